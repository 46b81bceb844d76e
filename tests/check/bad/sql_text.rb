binding :people, "People in a database" do
  action :find, effect: :read do
    takes :name, :string
    takes :table, :string, default: "people"
    gives :array
  end
  action :keep, effect: :write, repeat: :safe do
    takes :names, :array
  end
end

driver :sqlite, for: :people, default: true do
  setting :query, :string, default: "SELECT name FROM people"

  perform :find do |name, table|
    by_name = "SELECT * FROM people WHERE name = ?"
    a = sql.query(database: "people.db", text: "SELECT * FROM people WHERE name = '#{name}'")
    b = sql.query(database: "people.db", text: "SELECT * FROM " + table)
    c = sql.query(database: "people.db", text: by_name, values: [name])
    d = sql.query(database: "people.db", text: ["SELECT * FROM", table].join(" "))
    e = sql.query(database: "people.db", text: name.empty? ? "SELECT 1" : "SELECT #{name}")
    good = sql.query(database: "people.db", text: name.empty? ? "SELECT 1" : "SELECT ?", values: [name])
    mine = sql.query(database: "people.db", text: setting.query)
    a + b + c + d + e + good + mine
  end

  perform :keep do |names|
    all = names.map { |n| ["INSERT INTO people VALUES (?)", [n]] }
    sql.execute(database: "people.db", statements: all)
    sql.execute(database: "people.db", statements: [["INSERT INTO people VALUES ('#{names.first}')"]])
    sql.execute(database: "people.db", statements: names.map { |n| ["INSERT INTO people VALUES (" + n + ")"] })
    sql.execute(database: "people.db", statements: ["DELETE FROM people"] + names.map { |n| ["INSERT INTO people VALUES (?)", [n]] },
                schema: "CREATE TABLE #{names.first} (name)")
    sql.execute(database: "people.db", statements: ["DELETE FROM people"] + names.map { |n| ["INSERT INTO people VALUES (?)", [n]] })
    nil
  end
end
