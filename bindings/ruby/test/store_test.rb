# frozen_string_literal: true

require "helper"
require "date"
require "support/relay"

class StoreTest < Minitest::Test
  extend OnEveryStore

  def test_names_and_pings
    assert_match %r{\A(memory|memcached)://}, store.name
    assert_equal store.name, store.to_s
    assert store.ping
    assert store.resolve
  end

  def test_counts
    transaction { |tx| tx.session(container, "s")["p"]["k"] = 1 }
    assert_equal 1, store.stats[:writes]
    assert_equal 1, store.stats[:misses]
    assert_match(/^writes +1\b/, store.stats_text)
    servers = store.server_stats
    assert_equal memcached? ? 1 : 0, servers.size
    assert_equal 1, servers.values.first[:connections_open] if memcached?
  end

  def test_is_found_by_its_registered_name
    assert_nil Lovely::Store.find("main-#{object_id}")
    assert_same store, store.register("main-#{object_id}")
    assert_equal store.name, Lovely::Store.find(:"main-#{object_id}").name
    assert Lovely::Store.unregister("main-#{object_id}")
    refute Lovely::Store.unregister("main-#{object_id}")
  end

  def test_options_are_checked
    assert_raises(Lovely::InvalidArgument) { Lovely::Store.open("") }
    assert_raises(Lovely::InvalidArgument) { Lovely::Store.open("nonsense") }
    assert_raises(Lovely::InvalidArgument) { Lovely::Store.open(new_url, colour: 1) }
    assert_raises(Lovely::OutOfRange) { Lovely::Store.open(new_url, commit_timeout: -1) }
    assert_raises(Lovely::TypeMismatch) { Lovely::Store.open(new_url, commit_timeout: [1]) }
    assert Lovely::Store.open(new_url, connect_timeout: 0.5, exchange_timeout: 2, commit_timeout: 3).ping
    assert_raises(NoMethodError) { Lovely::Store.new }
  end

  def test_only_who_may_flush_may_flush
    transaction { |tx| tx.session(container, "s")["p"]["k"] = 1 }
    return assert_raises(Lovely::Unsupported) { store.flush } if memcached?

    assert store.flush
    assert_empty stored("s")
  end

  def test_container_options
    one = store.container("one", timeout: 10, lifetime: 20.5, resolution: 5, recreate: true, on_conflict: :mine)
    assert_equal [10, 10, 20.5, 5, true, :mine],
                 [one.timeout, one.max_timeout, one.lifetime, one.resolution, one.recreate?, one.on_conflict]
    assert_equal "one", one.name
    [[60, 100], [5, 50], [200, 200], [5, 6]].each do |timeout, longest|
      one.configure(timeout: timeout, max_timeout: longest)
      assert_equal [timeout, longest], [store.container("one").timeout, one.max_timeout]
    end
    one.timeout = 3
    assert_equal 3, one.timeout
    assert_raises(Lovely::InvalidArgument) { one.configure(timeuot: 1) }
    assert_raises(Lovely::InvalidArgument) { one.configure(on_conflict: :maybe) }
    assert_raises(Lovely::OutOfRange) { one.configure(timeout: -1) }
    assert_raises(Lovely::InvalidArgument) { store.container("") }
    assert_kind_of Time, one.last_access
  end

  # Contract 4.6.
  def test_times_are_numbers_and_never_is_not_met_by_accident
    [nil, "3600", "1 hour", :hour].each do |time|
      assert_raises(Lovely::TypeMismatch, time.inspect) { store.container("times", timeout: time) }
    end
    assert_in_delta 0.001, store.container("times", timeout: 0.0001).timeout
    assert_raises(Lovely::OutOfRange) { store.container("times", timeout: -0.0001) }
  end

  def test_deadlines_are_times
    transaction do |tx|
      session = tx.session(container, "s")
      assert_raises(Lovely::TypeMismatch) { session.deadline = "2099-01-01" }
      assert_raises(Lovely::OutOfRange) { session.deadline = Time.at(2**70) }
      assert_raises(Lovely::OutOfRange) { session.deadline = Float::INFINITY }
      assert_nil session.deadline
      session.deadline = Date.new(2099, 1, 1)
      assert_equal Date.new(2099, 1, 1).to_time, session.deadline
      session.deadline = 4_000_000_000
      assert_equal Time.at(4_000_000_000), session.deadline
    end
  end

  def test_time_is_moved_and_sessions_are_made_idle_and_evicted
    container.configure(timeout: 100)
    %w[a b c].each { |id| transaction { |tx| tx.session(container, id)["p"]["k"] = 1 } }
    assert Lovely::Testing.make_idle(container, "a", 101 + slack)
    refute Lovely::Testing.make_idle(container, "none", 1)
    assert Lovely::Testing.evict(container, "b")
    refute Lovely::Testing.evict(container, "b")
    transaction { |tx| assert_equal([false, false, true], %w[a b c].map { |id| tx.session?(container, id) }) }
    before = Lovely::Testing.clock(store)
    Lovely::Testing.advance_clock(store, 101 + slack)
    assert_operator Lovely::Testing.clock(store) - before, :>=, 101
    transaction { |tx| refute tx.session?(container, "c") }
  end

  # Contract 6.1, 6.2: on a real server that goes away; on the embedded store by scripted faults.
  def test_an_outage_is_an_error_and_never_an_empty_session
    relay = Relay.new(Memcached.shared.port) if memcached?
    @store = Lovely::Store.open("memcached://127.0.0.1:#{relay.port}/away-#{Process.pid}", retry_pause: 0.001) if relay
    transaction { |tx| tx.session(container, "s")["p"]["k"] = 1 }
    relay ? relay.cut : Lovely::Testing.fault(store, :unavailable)
    transaction { |tx| assert_raises(Lovely::Unavailable) { tx.session(container, "s") } }
    assert_raises(Lovely::Unavailable) { transaction { |tx| tx.create_session(container)["p"]["k"] = 1 } }
    relay ? relay.mend : Lovely::Testing.clear_faults(store)
    assert_equal({ "p" => { "k" => 1 } }, stored("s"))
  ensure
    relay&.close
  end

  # Contract 6.5: what another program put there.
  def test_foreign_bytes_are_corrupt
    return unless memcached?

    require "digest"
    require "base64"
    key = "#{store.name[%r{[^/]+\z}]}/app/#{Base64.urlsafe_encode64(Digest::SHA256.digest("s"), padding: false)}"
    TCPSocket.open("127.0.0.1", Memcached.shared.port) do |socket|
      socket.write("set #{key} 0 0 4\r\n\x04\x08{\x00\r\n")
      assert_equal "STORED\r\n", socket.gets
    end
    transaction { |tx| assert_raises(Lovely::Corrupt) { tx.session(container, "s") } }
    transaction { |tx| tx.destroy_session(container, "s") }
    assert_empty stored("s")
  end
end

class FaultTest < Minitest::Test
  def test_faults_are_scripted_for_the_time_of_a_block
    store = Lovely::Store.open("memory://faults")
    container = store.container("app")
    work = ->(tx) { tx.session(container, "s")["p"]["k"] = 1 }
    error = Lovely::Testing.fault(store, :unavailable, operations: :load) do
      assert_raises(Lovely::Unavailable) { store.transaction(&work) }
    end
    refute_predicate error, :retryable?
    error = Lovely::Testing.fault(store, :lost_answer) do
      assert_raises(Lovely::UnknownOutcome) do
        store.transaction(commit_timeout: 0.05) { |tx| tx.create_session(container)["p"]["k"] = 1 }
      end
    end
    assert_equal [:unknown], error.report.map(&:outcome)
    store.transaction(&work)
    Lovely::Testing.fault(store, :refused_dropped, operations: [:write], count: 1)
    assert_raises(Lovely::Lost) { store.transaction { |tx| tx.session(container, "s")["p"]["k"] = 2 } }
    assert_empty(store.transaction { |tx| tx.session(container, "s").to_h })
  end
end
