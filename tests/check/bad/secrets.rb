site "one" do
  secrets driver: "file", directory: "secrets"
end
