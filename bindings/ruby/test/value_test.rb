# frozen_string_literal: true

require "helper"
require "bigdecimal"

# Contract 7: every value comes back as it was stored.
class ValueTest < Minitest::Test
  extend OnEveryStore

  SCALARS = [nil, true, false, 0, 1, -1, (2**63) - 1, -(2**63), 0.0, 1.5, -1e300, Float::INFINITY, -Float::INFINITY,
             Float::MAX, 5e-324, "", "text", "é\u0000ü", "a" * 70_000, "".b, "\xFF\x00".b, "text".b, "b" * 70_000].freeze
  TREES = [[], {}, [[]], [nil, true, 1, 1.0, "t", "\xFE".b, [1, { "a" => [] }]], { "" => nil, "k" => { "l" => [1, 2] } },
           (0...300).to_a, (0...300).to_h { |i| ["k#{i}", i] }].freeze

  def round_trip(value)
    transaction { |tx| tx.session(container, "s")["p"]["k"] = value }
    transaction { |tx| tx.session(container, "s")["p"]["k"] }
  end

  def assert_same_value(expected, actual)
    assert_equal expected.class, actual.class
    expected.nil? ? assert_nil(actual) : assert_equal(expected, actual)
    assert_equal expected.encoding, actual.encoding if expected.is_a?(String)
    expected.each_with_index { |item, index| assert_same_value(item, actual[index]) } if expected.is_a?(Array)
    expected.each { |key, item| assert_same_value(item, actual.fetch(key)) } if expected.is_a?(Hash)
  end

  def test_every_value_comes_back_as_it_was
    (SCALARS + TREES).each { |value| assert_same_value value, round_trip(value) }
  end

  def test_the_same_inside_a_list_and_inside_a_map
    assert_same_value SCALARS, round_trip(SCALARS)
    map = SCALARS.each_with_index.to_h { |value, index| [format("%03d", index), value] }
    assert_same_value map, round_trip(map)
  end

  def test_not_a_number_and_the_sign_of_zero_are_kept
    assert_predicate round_trip(Float::NAN), :nan?
    assert_predicate round_trip([Float::NAN]).first, :nan?
    assert_equal(-Float::INFINITY, 1 / round_trip(-0.0))
  end

  def test_text_and_bytes_are_told_apart
    assert_equal Encoding::UTF_8, round_trip("text").encoding
    assert_equal Encoding::BINARY, round_trip("text".b).encoding
    assert_equal Encoding::UTF_8, round_trip("text".encode("US-ASCII")).encoding
  end

  def test_a_symbol_is_stored_as_text
    assert_same_value "sym", round_trip(:sym)
    assert_same_value({ "a" => "b", "c" => ["d"] }, round_trip({ a: :b, c: [:d] }))
  end

  def test_maps_come_back_sorted_by_the_bytes_of_their_keys
    assert_equal %w[B a é], round_trip({ "é" => 1, "a" => 2, "B" => 3 }).keys
  end

  def test_what_is_read_is_frozen_so_that_no_change_goes_astray
    list = round_trip([["a"], { "k" => "v" }])
    assert_raises(FrozenError) { list << 1 }
    assert_raises(FrozenError) { list.first << "b" }
    assert_raises(FrozenError) { list.last["x"] = 1 }
    assert_raises(FrozenError) { list.first.first << "b" }
  end

  def refused(error, value, message)
    transaction do |tx|
      package = tx.session(container, "s")["p"]
      package["k"] = "before"
      assert_match message, assert_raises(error) { package["k"] = value }.message
      assert_equal "before", package["k"]
    end
  end

  def test_anything_else_is_refused_with_its_place_and_class
    refused Lovely::TypeMismatch, Time.now, /\Ak: Time cannot be stored\z/
    refused Lovely::TypeMismatch, [1, { "a" => [Object.new] }], /\Ak\[1\]\.a\[0\]: Object cannot be stored\z/
    refused Lovely::TypeMismatch, BigDecimal("1"), /\Ak: BigDecimal/
    refused Lovely::TypeMismatch, 1r, /\Ak: Rational/
    refused Lovely::TypeMismatch, { 1 => 2 }, /\Ak: the keys of a map are Strings or Symbols, not Integer/
    refused Lovely::TypeMismatch, { "k".b + "\xFF".b => 2 }, /\Ak: the keys of a map are text/
    with_packer = Class.new { def to_msgpack(*) = raise("called") }.new
    refused Lovely::TypeMismatch, [with_packer], /\Ak\[0\]: #<Class/
    refused Lovely::TypeMismatch, [BasicObject.new], /\Ak\[0\]: BasicObject cannot be stored\z/
  end

  def test_integers_outside_64_bits_are_refused
    [2**63, -(2**63) - 1, 2**64, 10**100].each do |number|
      refused Lovely::OutOfRange, number, /\Ak: an Integer outside 64 bits/
      refused Lovely::OutOfRange, [number], /\Ak\[0\]: an Integer/
    end
  end

  def test_strings_that_are_not_text_are_refused
    refused Lovely::InvalidArgument, "\xFF", /\Ak: a String in UTF-8 that is not valid/
    refused Lovely::InvalidArgument, ["\xFF"], /\Ak\[0\]: a String in UTF-8/
    refused Lovely::InvalidArgument, { "\xFF" => 1 }, /\Ak: a String in UTF-8/
    refused Lovely::InvalidArgument, "ü".encode("ISO-8859-1"), /\Ak: a String in ISO-8859-1/
  end

  def test_symbols_that_are_not_text_are_refused
    symbol = "\xFF".b.to_sym
    [symbol, [symbol], { symbol => 1 }].each { |value| refused Lovely::InvalidArgument, value, /a Symbol that is not text/ }
  end

  def test_names_in_another_encoding_are_refused
    name = "ab".encode("UTF-16LE")
    transaction do |tx|
      session = tx.session(container, "s")
      package = session["p"]
      [-> { package[name] = 1 }, -> { package[name] }, -> { session[name] }, -> { store.container(name) }].each do |call|
        assert_match(/in UTF-8, not in UTF-16LE/, assert_raises(Lovely::InvalidArgument, &call).message)
      end
    end
  end

  def test_two_keys_that_become_one_are_refused
    refused Lovely::InvalidArgument, { "a" => 1, a: 2 }, /./
  end

  def test_nesting_is_bounded_and_a_list_that_contains_itself_ends
    deep = ->(levels) { (1...levels).reduce([]) { |inner, _| [inner] } }
    assert_equal deep[64], round_trip(deep[64])
    refused Lovely::TooLarge, deep[65], /\Ak(\[0\])+: lists and maps nest at most 64 deep/
    endless = []
    endless << endless
    refused Lovely::TooLarge, endless, /nest at most 64 deep/
    around = {}
    around["x"] = [around]
    refused Lovely::TooLarge, around, /nest at most 64 deep/
  end

  def test_no_error_contains_the_value
    [Class.new { def inspect = "hush" }.new, "hush\xFF", { "hush\xFF" => 1 }].each do |value|
      transaction do |tx|
        error = assert_raises(Lovely::Error) { tx.session(container, "s")["p"]["k"] = value }
        refute_match(/hush/, error.message)
      end
    end
  end
end
