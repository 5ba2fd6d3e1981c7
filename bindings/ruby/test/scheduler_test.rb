# frozen_string_literal: true

require "helper"
require "support/relay"
require "support/scheduler"

# Where a fiber scheduler is active, other fibers run while one waits for the store.
class SchedulerTest < Minitest::Test
  extend OnEveryStore

  # Before there are fibers, each of which would open one.
  def setup
    container
  end

  def test_fibers_do_what_threads_do
    scheduler = Scheduler.run do
      20.times do
        Fiber.schedule do
          5.times { transaction { |tx| tx.session(container, "s")["p"].increment("n") } }
        end
      end
    end
    assert_equal 100, stored("s")["p"]["n"]
    assert_operator scheduler.waits, :>=, 1 if memcached?
  end

  def test_sessions_are_found_asked_for_prepared_and_destroyed
    Scheduler.run do
      assert store.ping
      transaction { |tx| tx.session(container, "s")["p"]["k"] = [1] }
      transaction { |tx| assert_equal([true, false], [tx.session?(container, "s"), tx.session?(container, "t")]) }
      transaction do |tx|
        assert_equal [1], tx.session(container, "s")["p"]["k"]
        tx.destroy_session(container, "s")
        tx.prepare
      end
    end
    assert_empty stored("s")
  end

  def test_errors_are_those_of_calls_that_block
    Scheduler.run do
      transaction { |tx| tx.session(container, "s")["p"]["k"] = 0 }
      error = assert_raises(Lovely::Conflict) do
        transaction do |tx|
          tx.session(container, "s")["p"]["k"] = 1
          transaction { |other| other.session(container, "s")["p"]["k"] = 2 }
        end
      end
      assert_predicate error, :retryable?
      assert_equal [:not_stored], error.report.map(&:outcome)
      assert_raises(Lovely::InvalidArgument) { transaction { |tx| tx.session(container, "") } }
    end
  end

  def test_a_scheduler_that_has_ended_is_followed_by_another
    3.times { |turn| Scheduler.run { transaction { |tx| tx.session(container, "s")["p"]["k"] = turn } } }
    assert_equal({ "p" => { "k" => 2 } }, stored("s"))
  end

  def test_without_a_scheduler_nothing_is_made
    Thread.new do
      transaction { |tx| tx.session(container, "s") }
      assert_nil Lovely::IOQueue.current
      assert_nil Thread.current.thread_variable_get(:lovely_session_io_queue)
    end.join
  end
end

# The same with a server that accepts and never answers.
class SchedulerWaitingTest < Minitest::Test
  def with_a_server_that_hangs
    server = TCPServer.open("127.0.0.1", 0)
    url = "memcached://127.0.0.1:#{server.addr[1]}/hangs"
    yield Lovely::Store.open(url, connect_timeout: 0.5, exchange_timeout: 0.5)
  ensure
    server.close
  end

  def test_other_fibers_run_while_one_waits
    with_a_server_that_hangs do |store|
      turns = 0
      is_done = false
      scheduler = Scheduler.run do
        Fiber.schedule { (turns += 1) && sleep(0.001) until is_done }
        before = turns
        assert_raises(Lovely::Unavailable, Lovely::TimedOut) { store.ping }
        assert_operator turns - before, :>, 5
        is_done = true
      end
      assert_operator scheduler.waits, :>=, 1
    end
  end

  def test_after_an_interruption_the_transaction_is_free_at_once
    with_a_server_that_hangs do |store|
      container = store.container("app")
      other = Lovely::Store.open("memory://after-the-interruption").container("app")
      read = nil
      Scheduler.run do
        waiting = Fiber.schedule do
          Lovely.transaction do |tx|
            assert_raises(IndexError) { tx.session(container, "s") }
            read = tx.session(other, "s").to_h
          end
        end
        waiting.raise(IndexError)
      end
      assert_equal({}, read)
    end
  end

  def test_a_fiber_that_is_stopped_takes_its_operation_along
    with_a_server_that_hangs do |store|
      container = store.container("app")
      stopped = nil
      Scheduler.run do
        waiting = Fiber.schedule do
          Lovely.transaction { |tx| tx.session(container, "s") }
        rescue IndexError
          stopped = true
        end
        waiting.raise(IndexError)
        other = Lovely::Store.open("memory://after-the-stop")
        other.transaction { |tx| tx.session(other.container("app"), "s")["p"]["k"] = 1 }
      end
      assert stopped
    end
  end
end
