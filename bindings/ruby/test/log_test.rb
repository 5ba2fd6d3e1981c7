# frozen_string_literal: true

require "helper"
require "logger"
require "stringio"
require "support/relay"
require "support/scheduler"

class LogTest < Minitest::Test
  def teardown
    Lovely.log_to(nil)
  end

  # A host that has no address, for no name can be so long, is warned of inside a call that lets go of the
  # interpreter's lock.
  HOST = "#{"x" * 64}.invalid".freeze

  def provoke
    Lovely::Store.open("memcached://#{HOST}/#{NUMBERS.pop(true)}")
  end

  def test_lines_go_to_the_logger_with_their_level
    out = StringIO.new
    Lovely.log_to(Logger.new(out))
    provoke
    assert_match(/WARN -- : .*#{HOST}/, out.string)
    Lovely.log_to(Logger.new(out), level: :error)
    before = out.string.dup
    provoke
    assert_equal before, out.string
    assert_raises(Lovely::InvalidArgument) { Lovely.log_to(Logger.new(out), level: :loud) }
  end

  def test_a_logger_that_raises_does_not_end_the_call
    logger = Object.new
    def logger.warn(*) = raise("full")
    Lovely.log_to(logger)
    _, err = capture_io { assert_match HOST, provoke.name }
    assert_match(/the logger failed: RuntimeError/, err)
  end

  def test_a_logger_that_throws_does_not_end_the_call
    logger = Object.new
    def logger.warn(*) = throw(:out)
    Lovely.log_to(logger)
    _, err = capture_io { catch(:out) { assert_match HOST, provoke.name } }
    assert_match(/the logger failed: UncaughtThrowError/, err)
  end

  def test_a_thread_that_is_killed_in_the_logger_ends_after_the_call
    entered = Queue.new
    done = Queue.new
    logger = Object.new
    logger.define_singleton_method(:warn) do |_|
      entered << true
      sleep 0.05
      done << true
    end
    Lovely.log_to(logger)
    away = Lovely::Store.open("memcached://127.0.0.1:1/#{NUMBERS.pop(true)}")
    thread = Thread.new { away.ping }
    entered.pop
    thread.kill
    thread.join
    assert_equal 1, done.size
  end

  def test_a_logger_that_waits_lets_no_other_fiber_into_the_call
    order = []
    logger = Object.new
    logger.define_singleton_method(:warn) do |_|
      order << :logging
      sleep 0.02
      order << :logged
    end
    Lovely.log_to(logger)
    Scheduler.run do
      Fiber.schedule { provoke }
      Fiber.schedule { order << :other }
    end
    assert_equal %i[logging logged other], order
  end

  def test_a_logger_may_use_sessions_and_let_other_threads_run
    seen = Queue.new
    logger = Object.new
    logger.define_singleton_method(:warn) do |line|
      store = Lovely::Store.open("memory://from-the-log")
      store.transaction { |tx| tx.session(store.container("app"), "s")["p"].increment("lines") }
      Thread.pass
      GC.start
      seen << line
    end
    Lovely.log_to(logger)
    threads = Array.new(4) { Thread.new { provoke } }
    threads.each(&:join)
    assert_equal 4, seen.size
    store = Lovely::Store.open("memory://from-the-log")
    assert_equal 4, store.transaction { |tx| tx.session(store.container("app"), "s")["p"]["lines"] }
  end
end
