# frozen_string_literal: true

# Every type of value, as Ruby writes and reads it; tests/interop/run.sh says what for.
#
#     ruby values.rb URL write ID     ruby values.rb URL check ID     ruby values.rb URL copy FROM TO

require "lovely/session"

def float(bits) = [bits].pack("Q").unpack1("D")

NESTED = {
  "" => [nil, true, [], {}, -0.0, float(0x7ff8000000000001), -(2**63), (2**63) - 1],
  "bytes and text" => ["\x00\xff".b, "".b, ""],
  "deep" => (1..40).reduce(1) { |inner, _| [inner] },
  "\u{1D11E}\0" => "\0 \u{1D11E}"
}.freeze

TABLE = {
  "null" => nil, "" => nil, "true" => true, "false" => false,
  "zero" => 0, "min" => -(2**63), "max" => (2**63) - 1, "key\0NUL" => -1, "\u{1D11E}" => 119_070,
  "one" => 1.0, "minus zero" => -0.0, "huge" => 1e308, "tiny" => 5e-324,
  "infinity" => Float::INFINITY, "minus infinity" => -Float::INFINITY,
  "nan" => float(0x7ff8000000000000), "odd nan" => float(0xfff8deadbeef0001),
  "empty text" => "", "text" => "a\0b \u2603 \u{1D11E}", "long text" => "\u00e4" * 100_000,
  "no bytes" => "".b, "bytes" => (0..255).to_a.pack("C*"),
  "empty list" => [], "empty map" => {}, "nested" => NESTED
}.freeze

def same?(one, other)
  return false unless one.instance_of?(other.class)

  case one
  when Float then [one].pack("D") == [other].pack("D")
  when String then one.encoding == other.encoding && one == other
  when Array then one.size == other.size && one.zip(other).all? { |a, b| same?(a, b) }
  when Hash then one.size == other.size && one.all? { |key, value| other.key?(key) && same?(value, other[key]) }
  else one == other
  end
end

def compare(key, got)
  abort "#{key} is not as it was written: #{got.inspect[0, 100]}" unless same?(got, TABLE.fetch(key))
end

url, what, id, to = ARGV
store = Lovely::Store.open(url)
container = store.container("interop")
store.transaction do |tx|
  package = tx.session(container, id)["values"]
  case what
  when "write" then TABLE.each { |key, value| package[key] = value }
  when "copy"
    copied = tx.session(container, to)["values"]
    package.each { |key, value| copied[key] = value }
  else
    abort "#{package.size} keys, not #{TABLE.size}" unless package.size == TABLE.size
    TABLE.each_key { |key| compare(key, package.fetch(key)) }
    package.to_h.each { |key, value| compare(key, value) }
  end
end
