site "one" do
  secrets driver: "vault", adress: "https://vault.example.org", token: secret("vault/token")
end
