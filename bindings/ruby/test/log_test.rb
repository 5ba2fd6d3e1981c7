# frozen_string_literal: true

require "helper"
require "logger"
require "stringio"
require "support/relay"

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
