a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
a do
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
end
