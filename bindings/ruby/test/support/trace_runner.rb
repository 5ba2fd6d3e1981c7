# frozen_string_literal: true

# Performs the steps of a recorded trace through the Ruby API. It computes no expected value: every answer comes from the
# library. `tests/conformance/README.md` says what the steps are.
class TraceRunner
  NOT_FOUND = { "error" => "KeyError" }.freeze
  # The world's errors, by ours.
  ERRORS = { Lovely::InvalidSavepoint => "InvalidSavepointRollbackError",
             Lovely::TransactionFailed => "TransactionFailedError" }.freeze
  # Operations that have nothing to do here.
  NOTHING = %w[container_set set_unserialisable].freeze
  # Of which empty packages are left out of the comparison (contract 1.6).
  CONTENT = %w[open container_get fresh_read session_dump].freeze

  attr_reader :checked, :skipped, :differences

  # What a step's bound name stands for.
  Nested = Struct.new(:package, :key)
  NoAttribute = Class.new(StandardError)

  def initialize(trace, store, down:, up:)
    @trace = trace
    @store = store
    @down = down
    @up = up
    @is_down = false
    @transactions = {}
    @bound = {}
    @opened = {}
    @checked = @skipped = 0
    @differences = []
    @moments = [0]
    @started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    @start = Lovely::Testing.clock(store).to_r
    @containers = trace["world"]["containers"].transform_values do |it|
      store.container(it["name"], timeout: it["timeout"], resolution: it["resolution"])
    end
  end

  def run
    is_strict = true
    @trace["steps"].each_with_index do |step, index|
      # Opening while the server is down is a quirk, whatever is expected (contract 6.1).
      is_strict &&= !step.key?("quirk") && !(@is_down && %w[open container_get].include?(step["op"]))
      answer = perform(step)
      next unless is_strict
      next @skipped += 1 if answer == :nothing

      @checked += 1
      expected, answer = compared(step, step["expect"], answer)
      next if same?(expected, answer)

      @differences << "#{@trace["name"]}, step #{index} #{step["op"]}: expected #{expected}, answered #{answer}"
    end
    @transactions.each_value(&:close)
  end

  # Strict on types: 1, 1.0, true and "1" differ.
  def self.same?(one, other)
    return false unless one.instance_of?(other.class)

    case one
    when Array then one.size == other.size && one.zip(other).all? { |a, b| same?(a, b) }
    when Hash then one.size == other.size && one.all? { |key, a| other.key?(key) && same?(a, other[key]) }
    else one == other
    end
  end

  private

  def same?(one, other)
    TraceRunner.same?(one, other)
  end

  def compared(step, expected, answer)
    return [expected, answer] if expected.key?("error") || answer.key?("error")

    case step["op"]
    when "stored" then [full(expected["ok"]&.fetch("data")), full(answer["ok"])]
    when *CONTENT then [full(expected["ok"]), full(answer["ok"])]
    else [expected["ok"], answer["ok"]]
    end
  end

  def full(content)
    content&.reject { |_, package| package == {} }
  end

  def perform(step)
    return :nothing if NOTHING.include?(step["op"])

    { "ok" => __send__("do_#{step["op"]}", step) }
  rescue KeyError
    NOT_FOUND
  rescue NoAttribute
    { "error" => "AttributeError" }
  rescue Lovely::Error => e
    { "error" => ERRORS.fetch(e.class) { "#{e.class}: #{e.message}" } }
  end

  # The transaction of the step's actor: a new one, if the last has ended.
  def tx(step)
    @transactions[step["actor"] || "A"] ||= Lovely::Transaction.new
  end

  def container(step)
    @containers.fetch(step["container"])
  end

  def session(step) = bound(step["session"])
  def handle(step) = bound(step["pkg_handle"])

  def bound(name)
    @bound[name] || raise(Lovely::Error, "#{name} was not returned")
  end

  def bind(step, what)
    @bound[step["as"]] = what if step["as"]
    what
  end

  def read_only
    transaction = Lovely::Transaction.new
    yield transaction
  ensure
    transaction.abort
    transaction.close
  end

  def do_open(step)
    session = bind(step, tx(step).session(container(step), step["id"]))
    (@opened[session] ||= []) << step["container"]
    session.to_h
  end
  alias do_container_get do_open

  def open_ids(step)
    tx(step).sessions.select do |session|
      @opened[session]&.include?(step["container"])
    end.map(&:id).map { |id| id.force_encoding("UTF-8") }
  end

  def do_contains(step) = open_ids(step).include?(step["id"])
  def do_items(step) = open_ids(step).sort

  def do_begin(step)
    do_abort(step)
    tx(step) && nil
  end

  def do_abort(step)
    transaction = @transactions.delete(step["actor"] || "A")
    transaction&.abort
    nil
  end

  # A transaction that failed stays, until it is aborted.
  def do_commit(step)
    transaction = tx(step)
    begin
      transaction.commit
      report = transaction.report
      @transactions.delete(step["actor"] || "A")
    rescue Lovely::Error => e
      report = e.is_a?(Lovely::TransactionFailed) ? [] : e.report
      error = ERRORS.fetch(e.class, e.class.name)
    end
    writes = report.select { |entry| entry.kind == :write }.map do |entry|
      { "container" => @containers.find { |_, it| it.name == entry.container }.first,
        "id" => entry.id.force_encoding("UTF-8"), "ttl" => entry.timeout, "stored" => entry.outcome == :stored }
    end
    { "writes" => writes.sort_by { |write| write.values_at("container", "id") }, "error" => error }.compact
  end

  def do_savepoint(step) = bind(step, tx(step).savepoint) && nil
  def do_rollback(step) = tx(step).rollback(bound(step["savepoint"])) && nil
  def do_valid(step) = tx(step).savepoint_valid?(bound(step["savepoint"]))

  def do_pkg(step) = bind(step, session(step)[step["pkg"]]).to_h
  def do_pkg_peek(step) = session(step).peek(step["pkg"])&.then { |package| bind(step, package).to_h }
  def do_pkg_in(step) = session(step).key?(step["pkg"])
  def do_pkgs(step) = session(step).keys
  def do_pkg_del(step) = session(step).delete(step["pkg"]) ? nil : raise(KeyError)
  def do_pkg_set(step) = bind(step, session(step)[step["pkg"]].replace(step["value"])) && nil
  def do_session_dump(step) = session(step).to_h
  def do_session_clear(step) = session(step).clear && nil
  def do_session_last_access(step) = seconds(session(step).accessed_at)

  def do_set(step)
    handle(step)[step["key"]] = step["value"]
    nil
  end

  def do_get(step) = handle(step).fetch(step["key"])
  def do_peek(step) = handle(step).fetch(step["key"], step["default"])
  def do_in(step) = handle(step).key?(step["key"])
  def do_keys(step) = handle(step).keys
  def do_len(step) = handle(step).size
  def do_dump(step) = handle(step).to_h
  def do_clear(step) = handle(step).clear && nil
  def do_update(step) = handle(step).update(step["value"]) && nil

  def do_del(step)
    raise KeyError unless handle(step).key?(step["key"])

    handle(step).delete(step["key"])
    nil
  end

  def do_push(step) = push(Nested.new(handle(step), step["key"]), step["value"])
  def do_nested_push(step) = push(bound(step["nested"]), step["value"])

  def push(nested, value)
    nested.package.fetch(nested.key)
    nested.package.change(nested.key) { |list| list.is_a?(Array) ? list << value : raise(NoAttribute) }
    nil
  end

  def do_put_in(step)
    handle(step).fetch(step["key"])
    handle(step).change(step["key"]) { |map| map.is_a?(Hash) ? map[step["inner"]] = step["value"] : raise(NoAttribute) }
    nil
  end

  def do_nested(step) = bind(step, Nested.new(handle(step), step["key"])).then { |it| it.package.fetch(it.key) }
  def do_nested_dump(step) = bound(step["nested"]).then { |it| it.package.fetch(it.key) }
  def do_same_handle(step) = bound(step["a"]) == bound(step["b"])

  def do_stored(step)
    return unless read_only { |transaction| transaction.session?(container(step), step["id"]) }

    do_fresh_read(step)
  end

  def do_fresh_read(step) = read_only { |transaction| transaction.session(container(step), step["id"]).to_h }

  def do_evict(step) = Lovely::Testing.evict(container(step), step["id"]) && nil

  def do_server_down(_)
    @is_down = true
    @down.call && nil
  end

  def do_server_up(_)
    @is_down = false
    @up.call && nil
  end

  def do_clock(step) = advance(step["advance"])

  def advance(seconds)
    Lovely::Testing.advance_clock(@store, seconds)
    @moments << (@moments.last + seconds)
    nil
  end

  def do_configure(step)
    container(step).configure(**{ timeout: step["timeout"], resolution: step["resolution"] }.compact)
    # Beyond the timeout it makes no difference for how long nobody came, so that the clock is not moved by decades.
    idle = step["lastAccessTime"] && (@trace["world"]["clock"] + @moments.last - step["lastAccessTime"])
    idle && advance([idle, container(step).timeout].min)
  end

  def do_container_last_access(step) = seconds(container(step).last_access)

  # A time of the store as one of the trace, whose clock stands still between two moves, while the store's does not: what
  # lies behind a moment of the trace by no more than the replay has taken so far is that moment.
  def seconds(time)
    since = time.to_r - @start
    slack = Process.clock_gettime(Process::CLOCK_MONOTONIC) - @started + 0.002
    moment = @moments.reverse.find { |it| (0..slack).cover?(since - it) }
    @trace["world"]["clock"] + (moment || since.floor)
  end
end
