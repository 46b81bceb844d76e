# Makes texts (always the same ones), and compares what Stepwise reads in them with what Ruby reads.
#
# usage: shape.rb make COUNT            texts, each ended by a line %%
#        shape.rb compare SHARE TEXTS SHAPES  TAP: every accepted text is Ruby and has Ruby's shape;
#                                             at least one in SHARE is accepted
class Maker
  def initialize(seed) = @r = Random.new(seed)
  def pick(*list) = list[@r.rand(list.size)]
  def one_in(n) = @r.rand(n) == 0
  def space = one_in(4) ? "" : " "
  def gap = one_in(12) ? "\n  " : " "
  def name = pick("a", "b", "c", "item", "list", "x1")
  def method = pick("size", "first", "map", "empty?", "sum", "then", "class", "if")
  def label = pick("to:", "if:", "by:", "a:", '"k k":')
  def args(d, most = 3) = Array.new(1 + @r.rand(most)) { expr(d) }.join(pick(", ", ", ", ",", ",\n  "))
  def keywords(d) = Array.new(1 + @r.rand(2)) { label }.uniq.map { |key| "#{key} #{expr(d)}" }.join(", ")
  def arguments(d) = one_in(3) ? "#{args(d)}, #{keywords(d)}" : one_in(3) ? keywords(d) : args(d)
  def text = pick("", "ab", "x y", "a#b", "\\n", "\\u{e9}", "'")
  def string(d)
    case @r.rand(5)
    when 0 then "\"#{text}\#{#{expr(d - 1)}}#{text}\""
    when 1 then "'#{pick("", "it", "a\\\\b", '#{x}')}'"
    when 2 then "\"#{text}\" \"#{text}\""
    else "\"#{text}\""
    end
  end
  def literal(d)
    case @r.rand(9)
    when 0 then pick("1", "23", "0x1F", "1_000", "-4", "2.5")
    when 1, 2 then string(d)
    when 3 then pick(":a", ":ok?", ':"s p"')
    when 4 then pick("nil", "true", "false")
    when 5 then "[#{args(d - 1)}#{pick("", ",", "\n")}]"
    when 6 then "{#{space}#{pick("a:", '"b":')} #{expr(d - 1)}, #{pick(name, '"s"')} => 1#{space}}"
    when 7 then "%w[a b]"
    else pick("7", "8")
    end
  end
  def operator = pick("+", "-", "*", "/", "%", "**", "==", "!=", "<", ">=", "<=>", "&&", "||", "|", "&", "=~")
  def block(d)
    case @r.rand(5)
    when 0 then "{ |v| #{expr(d)} }"
    when 1 then "{ |v, (w, y)| #{expr(d)} }"
    when 2 then "do |v|\n  #{statement(d)}\nend"
    when 3 then "{ #{expr(d)} }"
    else "do #{expr(d)} end"
    end
  end
  def expr(d)
    return one_in(3) ? literal(0) : name if d <= 0
    case @r.rand(17)
    when 0, 1 then name
    when 2 then literal(d)
    when 3, 4 then "#{expr(d - 1)}#{space}#{operator}#{space}#{expr(d - 1)}"
    when 5 then "#{pick("!", "-", "!")}#{expr(d - 1)}"
    when 6 then "(#{expr(d - 1)})"
    when 7 then "#{expr(d - 1)}#{space}?#{gap}#{expr(d - 1)}#{space}:#{gap}#{expr(d - 1)}"
    when 8 then "#{name}(#{arguments(d - 1)})"
    when 9 then "#{name}#{pick(".", ".", "&.", "\n  .")}#{method}"
    when 10 then "#{expr(d - 1)}.#{method}(#{arguments(d - 1)})"
    when 11 then "#{name}#{space}[#{expr(d - 1)}]"
    when 12 then "#{name}.#{method} #{block(d - 1)}"
    when 13 then "#{name}(#{expr(d - 1)}) #{block(d - 1)}"
    when 14 then "(#{expr(d - 1)}#{pick("..", "...")}#{one_in(2) ? "" : expr(d - 1)})"
    when 15 then "#{name}.#{method}(&:#{pick("size", "to_s")})"
    else "#{expr(d - 1)}#{gap}#{operator}#{gap}#{expr(d - 1)}"
    end
  end
  def command(d)
    head = one_in(3) ? "#{name}.#{method}" : pick("show", "note", "step", "expect", "fail!")
    "#{head}#{space}#{arguments(d)}#{one_in(3) ? " #{block(d)}" : ""}"
  end
  def value(d) = one_in(3) ? command(d) : expr(d)
  def branch(d) = one_in(3) ? "\n" : one_in(2) ? "\n  #{statement(d)}\n" : " then #{statement(d)} "
  def statement(d)
    case @r.rand(13)
    when 0, 1, 2 then command(d)
    when 3 then "#{name} = #{value(d)}"
    when 4 then "#{name} #{pick("+=", "||=", "&&=", "-=")} #{value(d)}"
    when 5 then "#{name}, #{pick(name, "(c, d)")} = #{expr(d)}, #{expr(d)}"
    when 6 then "if #{value(d)}#{branch(d - 1)}#{"elsif #{expr(1)}\n  #{statement(d - 1)}\n" if one_in(2)}#{"else\n#{statement(d - 1)}\n" if one_in(2)}end"
    when 7 then "unless #{expr(d)}#{branch(d - 1)}end"
    when 8 then "case #{name}\nwhen #{args(1)}#{branch(d - 1)}else\n  #{statement(d - 1)}\nend"
    when 9 then "#{command(d)} #{pick("if", "unless")} #{value(d)}"
    when 10 then "#{name} <<~T#{pick(".size", "", " + \"z\"", ", a: 1")}\n    one \#{#{expr(1)}}\n      two\n  T"
    when 11 then "!#{command(d)}"
    else "#{name}.#{method} #{block(d)}"
    end
  end
  def program = Array.new(1 + @r.rand(3)) { statement(3) }.join(pick("\n", "\n", "; ", "\n# note\n")) + "\n"
end

# Ruby's tree in the form that lang_shape prints.
module Shape
  module_function

  def list(node) = node ? node.children.compact : []
  def text(s) = s.bytes.map { |c| c <= 32 || c == 34 || c >= 127 || c == 92 ? format("\\%02x", c) : c.chr }.join
  def word(value)
    case value
    when Range then "(#{value.exclude_end? ? "..." : ".."} #{word(value.begin)} #{word(value.end)})"
    when Symbol then ":#{value}"
    when String then value.empty? ? "(str)" : "(str \"#{text(value)})"
    when Regexp then regexp([value.source])
    when Float then format("%g", value)
    when nil then "nil"
    else value.to_s
    end
  end
  def string(parts)
    joined = parts.each_with_object([]) do |part, all|
      next if part == ""
      part.is_a?(String) && all.last.is_a?(String) ? all[-1] += part : all << part
    end
    ["(str", *joined.map { |part| part.is_a?(String) ? "\"#{text(part)}" : of(part) }].join(" ") + ")"
  end
  def regexp(parts) = string(parts).sub("(str", "(regex")
  def parts(node)
    node.children.flat_map do |c|
      next [] if c.nil?
      next [c.dup] if c.is_a?(String)
      case c.type
      when :STR then [c.children[0].dup]
      when :EVSTR then inner(c.children[0])
      when :DSTR, :LIST then parts(c)
      else [c]
      end
    end
  end
  def inner(node) = node.nil? ? [] : node.type == :STR ? [node.children[0].dup] : node.type == :DSTR ? parts(node) : [node]
  def hash(node) = ["(hash", *(node.children[0] ? node.children[0].children[0..-2] : []).map { |c| of(c) }].join(" ") + ")"
  def arguments(node)
    return [] unless node
    node.type == :BLOCK_PASS ? arguments(node.children[0]) : list(node).map { |c| of(c) }
  end
  def call(node, sign, receiver, mid, args)
    pass = args if args && args.type == :BLOCK_PASS
    shape =
      if receiver && mid.to_s !~ /\A\w/ && mid != :[] then "(#{[mid, of(receiver), *arguments(args)].join(" ")})"
      elsif receiver then "(#{[sign, of(receiver), mid, *arguments(args)].join(" ")})"
      else "(#{[mid, *arguments(args)].join(" ")})"
      end
    pass ? "(pass #{shape} #{of(pass.children[1])})" : shape
  end
  def flat(node, type) = node.children.flat_map { |c| c.type == type ? flat(c, type) : [of(c)] }
  def params(scope)
    args = scope.children[1]
    count = args ? args.children[0] : 0
    "(" + scope.children[0].first(count).map { |n| n || "*" }.join(" ") + ")"
  end
  def whens(node)
    return [of(node)] if node.nil? || node.type != :WHEN
    patterns = list(node.children[0]).map { |c| " #{of(c)}" }.join
    ["(when (#{patterns}) #{of(node.children[1])})", *whens(node.children[2])]
  end
  def targets(node) = "(mlhs #{list(node.children[1]).map { |t| t.type == :MASGN ? targets(t) : t.children[0] }.join(" ")})"
  def statements(node)
    all = node.children.compact.map { |c| c.type == :BLOCK ? c.children : [c] }.flatten.reject { |c| c.type == :BEGIN }
    all.size == 1 ? of(all[0]) : "(do #{all.map { |c| of(c) }.join(" ")})"
  end
  # A range as a condition compares its literal ends with $. in Ruby; the shape is the range's.
  def bound(node) = %i[CALL OPCALL].include?(node&.type) && list(node.children[2]).first&.type == :GVAR ? of(node.children[0]) : of(node)
  def of(node)
    return "nil" if node.nil?
    a, b, c = node.children
    case node.type
    when :SCOPE then of(node.children[2])
    when :BEGIN then of(a)
    when :BLOCK then statements(node)
    when :VCALL, :LVAR, :DVAR then a.to_s
    when :FCALL then call(node, nil, nil, a, b)
    when :CALL, :OPCALL then call(node, ".", a, b, c)
    when :QCALL then call(node, "&.", a, b, c)
    when :ITER then "(iter #{of(a)} #{params(b)} #{of(b)})"
    when :LASGN, :DASGN, :DASGN_CURR then "(= #{a} #{of(b)})"
    when :OP_ASGN_OR then "(||= #{a.children[0]} #{of(c.children[1])})"
    when :OP_ASGN_AND then "(&&= #{a.children[0]} #{of(c.children[1])})"
    when :MASGN then "(= #{targets(node)} #{of(a)})"
    when :TO_ARY then of(a)
    when :LIT then word(a)
    when :STR then a.empty? ? "(str)" : "(str \"#{text(a)})"
    when :DSTR then string(parts(node))
    when :EVSTR then string(inner(a))
    when :DSYM then string(parts(node))
    when :DREGX then regexp(parts(node))
    when :MATCH2 then "(=~ #{of(a)} #{of(b)})"
    when :MATCH3 then "(=~ #{of(b)} #{of(a)})"
    when :NIL then "nil"
    when :TRUE then "true"
    when :FALSE then "false"
    when :LIST then ["(list", *list(node).map { |x| of(x) }].join(" ") + ")"
    when :ZLIST then "(list)"
    when :HASH then hash(node)
    when :DOT2, :FLIP2 then "(.. #{bound(a)} #{bound(b)})"
    when :DOT3, :FLIP3 then "(... #{bound(a)} #{bound(b)})"
    when :IF then "(if #{of(a)} #{of(b)} #{of(c)})"
    when :UNLESS then "(unless #{of(a)} #{of(b)} #{of(c)})"
    when :AND then "(&& #{flat(node, :AND).join(" ")})"
    when :OR then "(|| #{flat(node, :OR).join(" ")})"
    when :CASE, :CASE2 then "(case #{[node.type == :CASE ? of(a) : "nil", *whens(b)].join(" ")})"
    else "(#{node.type})"
    end
  end
end

if ARGV[0] == "make"
  ARGV[1].to_i.times { |seed| print Maker.new(seed).program, "%%\n" }
else
  texts = File.read(ARGV[2]).split(/^%%\n/)
  shapes = File.readlines(ARGV[3], chomp: true)
  accepted, wrong = 0, []
  texts.zip(shapes) do |source, mine|
    next if mine == "REFUSED"
    accepted += 1
    theirs = begin
      $VERBOSE = nil
      Shape.of(RubyVM::AbstractSyntaxTree.parse(source))
    rescue SyntaxError => e
      "not Ruby: #{e.message.lines.first}"
    end
    wrong << [source, mine, theirs] if mine != theirs
  end
  puts "1..2", "#{accepted > texts.size / ARGV[1].to_i ? "" : "not "}ok 1 - #{accepted} of #{texts.size} texts are accepted"
  puts "#{wrong.empty? && texts.size == shapes.size ? "" : "not "}ok 2 - all of them have the shape that Ruby gives them"
  wrong.first(5).each { |parts| parts.zip(%w[text: ours: ruby:]) { |part, title| puts part.lines.map { |l| "# #{title} #{l}" } } }
  exit 1 if wrong.any?
end
