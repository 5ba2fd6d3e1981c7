# frozen_string_literal: true

require "helper"
require "json"
require "support/relay"
require "support/trace_runner"

# The ancestor's recorded behaviour, replayed through the Ruby API: strictly up to the first quirk of each trace.
class ConformanceTest < Minitest::Test
  TRACES = Dir[File.join(ROOT, "tests/conformance/traces/*.json")].map { |file| JSON.parse(File.read(file)) }

  def replay(trace, store, down, up)
    runner = TraceRunner.new(trace, store, down: down, up: up)
    runner.run
    if trace["clean"]
      assert_equal trace["steps"].size, runner.checked + runner.skipped, "#{trace["name"]}: every step of a clean trace"
    end
    runner
  end

  def check(runners)
    assert_empty runners.flat_map(&:differences)
    # Counted in the traces; fewer would mean that something is silently left out.
    assert_equal [85, 43, 1032], [TRACES.size, TRACES.count { |it| it["clean"] }, TRACES.sum { |it| it["steps"].size }]
    assert_equal [792, 2], [runners.sum(&:checked), runners.sum(&:skipped)]
  end

  def test_the_traces_answer_as_recorded_on_the_embedded_store
    check(TRACES.map do |trace|
      store = Lovely::Store.open("memory://trace-#{trace["name"]}")
      replay(trace, store, -> { Lovely::Testing.fault(store, :unavailable) || true },
             -> { Lovely::Testing.clear_faults(store) })
    end)
  end

  def test_the_traces_answer_as_recorded_on_memcached
    relay = Relay.new(Memcached.shared.port)
    check(TRACES.map do |trace|
      store = Lovely::Store.open("memcached://127.0.0.1:#{relay.port}/#{trace["name"]}", retry_pause: 0.001)
      replay(trace, store, -> { relay.cut || true }, -> { relay.mend || true })
    end)
  ensure
    relay&.close
  end

  def test_a_comparison_is_strict_on_types_and_on_what_is_there
    different = [[1, 1.0], [1, true], [1, "1"], [nil, false], [{}, nil], [{}, []], [[1, 2], [2, 1]],
                 [{ "a" => 1 }, { "a" => 1, "b" => 1 }], [{ "a" => nil }, { "b" => nil }]]
    different.each { |one, other| refute TraceRunner.same?(one, other), [one, other].inspect }
    different.flatten(1).each { |one| assert TraceRunner.same?(one, one) }
  end
end
