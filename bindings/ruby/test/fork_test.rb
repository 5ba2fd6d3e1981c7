# frozen_string_literal: true

require "helper"
require "English"

# Processes that fork with stores open, as servers that load the application first do.
class ForkTest < Minitest::Test
  # Before there are children, each of which would start one.
  def setup
    memcached
  end

  # Runs the block in a child, and expects what it returns to be true.
  def in_child
    reader, writer = IO.pipe
    pid = fork do
      reader.close
      writer.write(Marshal.dump(begin
        yield
      rescue Exception => e # rubocop:disable Lint/RescueException
        "#{e.class}: #{e.message}"
      end))
      writer.close
      # Finalizers run in the child too; the tests' own at_exit must not.
      GC.start
      exit!(0)
    end
    writer.close
    [reader, pid]
  end

  def result((reader, pid))
    Marshal.load(reader.read) # rubocop:disable Security/MarshalLoad
  ensure
    reader.close
    Process.wait(pid)
    assert_predicate $CHILD_STATUS, :success?
  end

  def memcached
    @memcached ||= Lovely::Store.open("#{Memcached.shared.url}/fork-#{Process.pid}-#{NUMBERS.pop(true)}")
  end

  def increment(store, times)
    container = store.container("app")
    times.times { store.transaction { |tx| tx.session(container, "s")["p"].increment("n") } }
    true
  end

  def test_children_go_on_with_a_store_on_memcached
    increment(memcached, 5)
    children = Array.new(4) { in_child { increment(memcached, 50) } }
    increment(memcached, 50)
    assert_equal([true] * 4, children.map { |child| result(child) })
    container = memcached.container("app")
    assert_equal 255, memcached.transaction { |tx| tx.session(container, "s")["p"]["n"] }
  end

  def test_a_child_of_a_thread_that_uses_the_store_goes_on_too
    is_done = false
    threads = Array.new(3) { Thread.new { increment(memcached, 5) until is_done } }
    results = Array.new(5) { result(in_child { increment(memcached, 5) }) }
    assert_equal [true] * 5, results
  ensure
    is_done = true
    threads.each(&:join)
  end

  def test_the_parents_transaction_is_dead_in_the_child_and_alive_in_the_parent
    container = memcached.container("app")
    tx = Lovely::Transaction.new
    package = tx.session(container, "s")["p"]
    package["k"] = 1
    child = in_child do
      [-> { package["k"] }, -> { tx.commit }, -> { tx.session(container, "s") }].map do |call|
        call.call
      rescue Lovely::Misuse
        :dead
      end.tap { tx.close }
    end
    assert_equal %i[dead dead dead], result(child)
    tx.commit
    tx.close
    assert_equal 1, memcached.transaction { |other| other.session(container, "s")["p"]["k"] }
  end

  def test_a_memory_store_is_one_processs
    store = Lovely::Store.open("memory://forked")
    increment(store, 1)
    child = in_child do
      increment(store, 1)
    rescue Lovely::Unsupported
      increment(Lovely::Store.open("memory://forked"), 1) ? :new : nil
    end
    assert_equal :new, result(child)
  end
end

# Contract 6.4, and a call that waits: others run, and it ends.
class WaitingTest < Minitest::Test
  def with_a_server_that_hangs(**options)
    server = TCPServer.open("127.0.0.1", 0)
    yield Lovely::Store.open("memcached://127.0.0.1:#{server.addr[1]}/hangs", **options)
  ensure
    server.close
  end

  def test_other_threads_run_while_a_call_waits
    with_a_server_that_hangs(connect_timeout: 0.3, exchange_timeout: 0.3) do |store|
      turns = 0
      is_done = false
      other = Thread.new { (turns += 1) && sleep(0.001) until is_done }
      Thread.pass until turns.positive?
      before = turns
      assert_raises(Lovely::Unavailable, Lovely::TimedOut) { store.ping }
      assert_operator turns - before, :>, 5
      is_done = true
      other.join
    end
  end

  def test_an_interrupted_call_ends_by_its_own_timeouts
    with_a_server_that_hangs(connect_timeout: 0.3, exchange_timeout: 0.3) do |store|
      thread = Thread.new { store.ping }
      thread.report_on_exception = false
      sleep 0.01 until thread.status == "sleep"
      thread.raise(IndexError)
      assert_raises(IndexError) { thread.value }
    end
  end
end
