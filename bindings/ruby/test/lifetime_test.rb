# frozen_string_literal: true

require "helper"
require "open3"
require "rbconfig"

# What is native is given back, whatever happens to the Ruby that held it.
class LifetimeTest < Minitest::Test
  # What hands something out, and what takes it back.
  PAIRS = { ls_txn_begin: :ls_txn_free, ls_store_open: :ls_store_free, ls_store_find: :ls_store_free,
            ls_container_open: :ls_container_free, ls_options_new: :ls_options_free,
            ls_value_from_msgpack: :ls_value_free, ls_value_to_msgpack: :ls_bytes_free,
            ls_store_stats_text: :ls_text_free }.freeze

  # Counts what is handed out and taken back, up to the very end of the process, where finalizers run.
  COUNTING = <<~RUBY.freeze
    PAIRS = #{PAIRS.inspect}
    OUT = IO.for_fd(1, autoclose: false)
    Lovely::Native.singleton_class.prepend(Module.new do
      PAIRS.each do |open, free|
        define_method(open) do |*args|
          status = super(*args)
          OUT.syswrite("\#{free} +1\\n") if status.zero?
          status
        end
      end
      PAIRS.values.uniq.each do |free|
        define_method(free) do |pointer|
          OUT.syswrite("\#{free} -1\\n")
          super(pointer)
        end
      end
    end)
  RUBY

  # Loaded before anything is made difficult.
  PRELUDE = <<~RUBY
    require "lovely/session"
    require "rack/session/lovely"
  RUBY

  WORK = <<~RUBY
    store = Lovely::Store.open("memory://work", memory_size: 1_000_000).register("work")
    container = store.container("app")
    20.times do |turn|
      store.transaction { |tx| tx.session(container, "s\#{turn % 3}")["p"]["k"] = [turn, { "a" => "b" }] }
      abandoned = Lovely::Transaction.new
      abandoned.session(container, "s")["p"]["k"] = { "left" => turn }
      Lovely::Store.find("work").stats_text
      begin
        store.transaction { |tx| tx.session(container, "s")["p"]["k"] = [Object.new] }
      rescue Lovely::TypeMismatch
        nil
      end
      begin
        store.transaction { |tx| tx.session(container, "s").each { raise IndexError } }
      rescue IndexError
        nil
      end
    end
    app = Rack::Session::Lovely.new(lambda do |env|
      session = env["rack.session"]
      session["list"] = (session["list"] || []) + [1]
      env["rack.session.options"][:skip] = true if env["PATH_INFO"] == "/skip"
      raise IndexError if env["PATH_INFO"] == "/raise"
      [200, {}, []]
    end, store: store)
    cookie = nil
    %w[/ / /skip / /raise /].each do |path|
      headers = app.call("PATH_INFO" => path, "HTTP_COOKIE" => cookie.to_s)[1]
      cookie ||= headers["Set-Cookie"][/^[^;]+/]
    rescue IndexError
      nil
    end
    Lovely::Store.unregister("work")
  RUBY

  def run_ruby(code, prelude = PRELUDE)
    out, status = Open3.capture2e(RbConfig.ruby, "-I", File.join(ROOT, "bindings/ruby/lib"), "-e", prelude + code)
    assert_predicate status, :success?, out
    out
  end

  def test_no_native_handle_is_left_at_exit
    lines = run_ruby(COUNTING + WORK).lines.map(&:split)
    counts = lines.group_by(&:first).transform_values { |of| of.map { |_, change| change.to_i } }
    assert_equal PAIRS.values.uniq.sort, counts.keys.map(&:to_sym).sort
    counts.each do |free, changes|
      assert_equal 0, changes.sum, "#{free}: #{changes.count(1)} handed out"
      assert_operator changes.count(1), :>=, 1
    end
  end

  def test_garbage_collection_at_every_allocation_changes_nothing
    # Each collection costs what is loaded: without Rack.
    once = WORK[/.*(?=^app = )/m].sub("20.times", "1.times")
    run_ruby("GC.stress = true\n#{once}\nGC.stress = false", %(require "lovely/session"\n))
  end

  def test_compaction_changes_nothing
    skip "not on this platform" unless GC.respond_to?(:compact) && GC.respond_to?(:auto_compact=)
    run_ruby("GC.auto_compact = true\n#{WORK.gsub("20.times", "200.times")}\nGC.compact\n#{WORK}")
  end

  # A Ractor copies what it is given, and what is freed twice takes the process with it.
  def test_what_is_native_is_not_copied_into_a_ractor
    out = run_ruby(<<~RUBY)
      store = Lovely::Store.open("memory://ractor")
      container = store.container("app")
      [store, container, container.handle, store.handle].each do |native|
        Ractor.new(native, &:itself)
      rescue Lovely::Misuse => e
        puts e.message
      end
      GC.start
      store.transaction { |tx| tx.session(container, "s")["p"]["k"] = 1 }
    RUBY
    assert_equal 4, out.scan("a handle cannot be copied").size
  end

  # Contract 2.6: the memory of an ended transaction is back at the end of its block, not when the collector comes.
  def test_the_end_of_a_block_gives_the_memory_back
    store = Lovely::Store.open("memory://memory")
    container = store.container("app")
    store.transaction { |tx| tx.session(container, "s")["p"]["k"] = "x" * 200_000 }
    GC.disable
    resident = -> { File.read("/proc/self/statm").split[1].to_i * 4096 }
    work = ->(_) { store.transaction { |tx| tx.session(container, "s")["p"].key?("k") } }
    20.times(&work)
    before = resident.call
    300.times(&work)
    assert_operator resident.call - before, :<, 30_000_000
  ensure
    GC.enable
  end
end
