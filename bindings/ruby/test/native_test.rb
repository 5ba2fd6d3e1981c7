# frozen_string_literal: true

require "helper"

# The table of functions and the header of the library say the same.
class NativeTest < Minitest::Test
  # What the gem does without, and why.
  NOT_ATTACHED = {
    "ls_version_number" => "the text is compared",
    "ls_options_get" => "options are a Hash here",
    "ls_pkg_name" => "a package is reached by its name",
    "ls_pkg_type" => "reading tells the type",
    **%w[bool f64 bytes].to_h { |type| ["ls_pkg_get_#{type}", "ls_pkg_get reads a value of any type"] },
    **%w[null bool i64 f64 text bytes list map].to_h { |type| ["ls_value_new_#{type}", "values come as MessagePack"] },
    **%w[list_push map_set list_at map_at map_get len copy equal].to_h do |verb|
      ["ls_value_#{verb}", "lists and maps cross the border as MessagePack"]
    end,
    "ls_queue_set" => "one connection to a server, sent at once, is what fibers are best served by",
    "ls_queue_get" => "the same",
    "ls_queue_flush" => "nothing is corked",
    "ls_txn_prefetch" => "sessions are opened when they are asked for",
    "ls_txn_prefetch_start" => "the same",
    "ls_value_to_json" => "Ruby has a JSON of its own",
    "ls_value_from_json" => "Ruby has a JSON of its own"
  }.freeze

  TYPES = { "int32_t" => :int32, "uint32_t" => :uint32, "int64_t" => :int64, "uint64_t" => :uint64, "size_t" => :size_t,
            "double" => :double, "bool" => :bool, "void" => :void, "const char *" => :string }.freeze

  HEADER = File.read(File.join(ROOT, "include/lovely_session.h"))
  Export = Struct.new(:name, :returns, :parameters, :io)

  def self.exports
    HEADER.scan(%r{/\*\*((?:(?!\*/).)*)\*/\s*((?:const )?\w+ \*?)\s*\b(ls_\w+)\(([^;]*)\);}m).map do |doc, returns, name, list|
      parameters = list.split(",").map { |parameter| parameter.strip.gsub(/\s+/, " ") } - ["void"]
      types = parameters.map { |parameter| parameter.include?("*") ? :pointer : type(parameter.sub(/ \w+\z/, "")) }
      Export.new(name, TYPES.fetch(returns.strip), types, doc[%r{I/O: ([^.]*)}, 1])
    end
  end

  def self.type(text)
    text == "ls_log_callback" ? :log_callback : TYPES.fetch(text)
  end

  def table
    source = File.read(File.join(ROOT, "bindings/ruby/lib/lovely/session/native.rb"))
    source.scan(/attach_function :(\w+), +%i\[([^\]]*)\], +:(\w+)(, BLOCKING)?$/).to_h do |name, types, returns, blocking|
      [name, [returns.to_sym, types.split.map(&:to_sym), !blocking.nil?]]
    end
  end

  def test_every_export_is_attached_or_listed_with_its_reason
    exports = NativeTest.exports.map(&:name)
    declared = HEADER.scan(/\b(ls_\w+)\(/).flatten.uniq - HEADER.scan(/\bif \((ls_\w+)\(/).flatten
    assert_empty declared - exports, "functions of the header that this test does not understand"
    assert_operator exports.size, :>=, 125
    assert_empty exports - table.keys - NOT_ATTACHED.keys, "neither attached nor listed"
    assert_empty (table.keys + NOT_ATTACHED.keys) - exports, "not in the header"
    assert_empty table.keys & NOT_ATTACHED.keys
    assert(table.keys.all? { |name| Lovely::Native.respond_to?(name) })
  end

  def test_parameters_and_results_are_those_of_the_header
    NativeTest.exports.each do |export|
      next unless (attached = table[export.name])

      assert_equal [export.returns, export.parameters], attached.first(2), export.name
    end
  end

  # It is called with a timeout of 0.
  NOT_WAITED_IN = ["ls_queue_wait"].freeze

  def test_the_lock_of_the_interpreter_is_let_go_for_io_that_waits_and_for_nothing_else
    NativeTest.exports.each do |export|
      next unless (attached = table[export.name])

      waits = export.io != "none" && !export.io.include?("never waits") && !NOT_WAITED_IN.include?(export.name)
      assert_equal waits, attached[2], "#{export.name}: I/O: #{export.io}"
    end
  end

  def test_versions_are_the_same_everywhere
    assert_equal HEADER[/LS_VERSION "(.*)"/, 1], Lovely::VERSION
    assert_equal Lovely::VERSION, Lovely.library_version
  end

  def test_every_status_of_the_header_has_its_class
    statuses = HEADER.scan(/^    (LS_ERR_\w+) = (-\d+),/).to_h.transform_values(&:to_i)
    assert_operator statuses.size, :>=, 19
    statuses.each do |name, number|
      error = Lovely::Error.from(number, "text", 5, 1)
      refute_instance_of Lovely::Error, error, name
      assert_equal [number, name, "text", 5, true],
                   [error.status, error.status_name, error.message, error.errno, error.retryable?]
    end
    assert_instance_of Lovely::Error, Lovely::Error.from(-99, "later", 0, 0)
  end

  def test_numbers_of_options_and_counters_are_those_of_the_header
    numbers = HEADER.scan(/^    LS_(\w+) = (\d+),/).to_h.transform_values(&:to_i)
    check(numbers, "OPTION_", constant(Lovely::Store, :OPTIONS))
    check(numbers, "STAT_", constant(Lovely::Store, :STATS))
    check(numbers, "POLICY_", constant(Lovely::Container, :POLICIES))
    check(numbers, "CONTAINER_", constant(Lovely::Container, :TIMES).merge(policy: 5, recreate: 6))
    check(numbers, "TXN_STATE_", constant(Lovely::Transaction, :STATES).each_with_index.to_h)
    check(numbers, "FAULT_", constant(Lovely::Testing, :FAULTS))
    check(numbers, "LOG_", constant(Lovely.const_get(:Log), :LEVELS))
  end

  private

  def constant(of, name)
    of.class_eval(name.to_s)
  end

  def check(numbers, prefix, ours)
    theirs = numbers.select do |name, _|
               name.start_with?(prefix)
             end.transform_keys { |name| name.delete_prefix(prefix).downcase.to_sym }
    refute_empty theirs, prefix
    assert_equal theirs.sort, ours.sort, prefix
  end
end
