# Connections that do not fit what they connect.
site "office" do
  connect :sns, driver: "twilio"
  connect :email, driver: "smpt", url: "smtp://mail.example.org"
end
