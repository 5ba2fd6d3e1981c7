# frozen_string_literal: true

require "helper"
require "timeout"

class TransactionTest < Minitest::Test
  extend OnEveryStore

  def set(id, key, value)
    transaction { |tx| tx.session(container, id)["p"][key] = value }
  end

  def test_a_block_commits_at_its_end_and_returns_what_it_returns
    assert_equal 42, transaction { |tx| tx.session(container, "s")["p"]["k"] = 1 and 42 }
    assert_equal({ "p" => { "k" => 1 } }, stored("s"))
  end

  def test_a_block_that_raises_stores_nothing
    assert_raises(ZeroDivisionError) do
      transaction do |tx|
        tx.session(container, "s")["p"]["k"] = 1
        1 / 0
      end
    end
    assert_empty stored("s")
    catch(:out) { transaction { |tx| tx.session(container, "s")["p"]["k"] = 1 and throw :out } }
    assert_empty stored("s")
  end

  # Contract 2.6.
  def test_what_was_taken_from_an_ended_transaction_is_an_error
    kept = transaction { |tx| [tx, tx.session(container, "s"), tx.session(container, "s")["p"]] }
    tx, session, package = kept
    assert_raises(Lovely::Misuse) { package["k"] }
    assert_raises(Lovely::Misuse) { package["k"] = 1 }
    assert_raises(Lovely::Misuse) { session["p"] }
    assert_raises(Lovely::Misuse) { tx.session(container, "s") }
    assert_equal :closed, tx.state
    tx.close
    %i[commit abort].each do |ending|
      tx = Lovely::Transaction.new
      package = tx.session(container, "s")["p"]
      tx.public_send(ending)
      assert_raises(Lovely::Misuse) { package["k"] = 1 }
      assert_raises(Lovely::Misuse) { tx.commit }
      tx.close
    end
  end

  def test_a_block_may_end_its_transaction_itself
    transaction { |tx| tx.session(container, "s")["p"]["k"] = 1 and tx.abort }
    assert_empty stored("s")
    transaction { |tx| tx.session(container, "s")["p"]["k"] = 1 and tx.commit }
    refute_empty stored("s")
  end

  # Contract 3.
  def test_a_savepoint_block_rolls_back_and_goes_on
    transaction do |tx|
      package = tx.session(container, "s")["p"]
      package["k"] = 1
      assert_equal 7, tx.savepoint { package["kept"] = 1 and 7 }
      assert_nil(tx.savepoint { package["k"] = 2 and raise Lovely::Rollback })
      assert_raises(ZeroDivisionError) { tx.savepoint { package["k"] = 3 and 1 / 0 } }
      assert_equal 1, package["k"]
    end
    assert_equal({ "p" => { "k" => 1, "kept" => 1 } }, stored("s"))
  end

  def test_a_savepoint_that_is_left_otherwise_is_rolled_back_too
    transaction do |tx|
      package = tx.session(container, "s")["p"]
      catch(:out) { tx.savepoint { package["thrown"] = 1 and throw :out } }
      tx.savepoint { package["broken"] = 1 and break }
      assert_raises(Timeout::Error) { Timeout.timeout(0.01) { tx.savepoint { package["late"] = 1 and sleep } } }
      assert_equal 5, (tx.savepoint { package["next"] = 1 and next 5 })
    end
    assert_equal({ "p" => { "next" => 1 } }, stored("s"))
  end

  def test_a_block_that_is_left_by_break_or_throw_aborts_and_next_is_its_end
    assert_equal 1, (transaction { |tx| tx.session(container, "s")["p"]["broken"] = 1 and break 1 })
    catch(:out) { transaction { |tx| tx.session(container, "s")["p"]["thrown"] = 1 and throw :out } }
    assert_raises(Timeout::Error) do
      Timeout.timeout(0.01) { transaction { |tx| tx.session(container, "s")["p"]["late"] = 1 and sleep } }
    end
    assert_equal 2, (transaction { |tx| tx.session(container, "s")["p"]["next"] = 1 and next 2 })
    assert_equal({ "p" => { "next" => 1 } }, stored("s"))
  end

  def test_a_transaction_cannot_be_copied
    transaction { |tx| %i[dup clone].each { |copy| assert_raises(Lovely::Misuse) { tx.public_send(copy) } } }
  end

  def test_explicit_savepoints
    transaction do |tx|
      package = tx.session(container, "s")["p"]
      first = tx.savepoint
      package["k"] = 1
      second = tx.savepoint
      package["k"] = 2
      second.rollback
      assert_equal 1, package["k"]
      first.rollback
      assert_nil package["k"]
      refute_predicate second, :valid?
      assert_predicate first, :valid?
      assert_raises(Lovely::InvalidSavepoint) { tx.rollback(second) }
      assert_raises(Lovely::InvalidSavepoint) { transaction { |other| other.rollback(first) } }
    end
  end

  # Contract 5.2.
  def test_different_keys_of_concurrent_transactions_are_both_kept
    set("s", "a", 0)
    transaction do |tx|
      tx.session(container, "s")["p"]["a"] = 1
      set("s", "b", 2)
    end
    assert_equal({ "p" => { "a" => 1, "b" => 2 } }, stored("s"))
  end

  # Contract 5.3.
  def test_the_same_key_is_a_conflict_that_is_retryable
    set("s", "a", 0)
    runs = 0
    work = lambda do |tx|
      package = tx.session(container, "s")["p"]
      package["a"] += 10
      set("s", "a", package["a"] - 5) if (runs += 1) == 1
    end
    error = assert_raises(Lovely::Conflict) { transaction(&work) }
    assert_predicate error, :retryable?
    assert_equal [[:not_stored, -40, "s"]], error.report.map { |entry| [entry.outcome, entry.status, entry.id] }
    assert_equal({ "p" => { "a" => 5 } }, stored("s"))

    runs = 0
    transaction(retry_on_conflict: 1, &work)
    assert_equal 2, runs
    assert_equal({ "p" => { "a" => 20 } }, stored("s"))
  end

  def test_a_retry_gives_up_after_as_many_times_as_said
    set("s", "a", 0)
    runs = 0
    assert_raises(Lovely::Conflict) do
      transaction(retry_on_conflict: 3) do |tx|
        package = tx.session(container, "s")["p"]
        package["a"] += 10
        set("s", "a", runs += 1)
      end
    end
    assert_equal 4, runs
  end

  def test_policies
    { mine: 10, overwrite: 10 }.each do |policy, expected|
      container.configure(on_conflict: policy)
      assert_equal policy, container.on_conflict
      set("s", "a", 0)
      transaction do |tx|
        tx.session(container, "s")["p"]["a"] = 10
        set("s", "a", 1)
      end
      assert_equal expected, stored("s")["p"]["a"]
    end
    container.configure(on_conflict: :strict)
    set("s", "a", 0)
    assert_raises(Lovely::Conflict) do
      transaction do |tx|
        tx.session(container, "s")["p"]["a"] = 10
        set("s", "other", 1)
      end
    end
  end

  # Contract 5.5.
  def test_a_destroyed_session_stays_destroyed
    set("s", "a", 0)
    assert_raises(Lovely::Gone) do
      transaction do |tx|
        tx.session(container, "s")["p"]["a"] = 1
        transaction { |other| other.destroy_session(container, "s") }
      end
    end
    transaction { |tx| refute tx.session?(container, "s") }
    assert_empty stored("s")
    transaction do |tx|
      tx.session(container, "s")
      tx.destroy_session(container, "s")
      assert_raises(Lovely::Gone) { tx.session(container, "s") }
    end
  end

  def test_ids
    id = transaction do |tx|
      session = tx.create_session(container)
      assert_predicate session, :new?
      assert_equal 32, session.id.size
      session["p"]["k"] = 1
      session.id
    end
    transaction do |tx|
      session = tx.session(container, id)
      refute_predicate session, :new?
      assert_equal "next", session.regenerate_id("next")
      assert_equal "next", session.id
    end
    transaction do |tx|
      refute tx.session?(container, id)
      assert tx.session?(container, "next")
    end
    transaction { |tx| tx.create_session(container, "mine\xFF") }
    transaction { |tx| assert tx.session?(container, "mine\xFF".b) }
    transaction do |tx|
      assert_raises(Lovely::InvalidArgument) { tx.session(container, "") }
      assert_raises(Lovely::InvalidArgument) { tx.create_session(container, "") }
      assert_raises(Lovely::TooLarge) { tx.session(container, "x" * 8193) }
      assert_raises(Lovely::TypeMismatch) { tx.session(container, nil) }
      assert_raises(Lovely::TypeMismatch) { tx.session(container, 5) }
    end
  end

  # Contract 4.
  def test_timeouts_and_deadlines
    container.configure(timeout: 100, max_timeout: 1000)
    transaction do |tx|
      session = tx.session(container, "own")
      assert_nil session.timeout
      session.timeout = 500
      assert_equal 500, session.timeout
      session["p"]["k"] = 1
      tx.session(container, "usual")["p"]["k"] = 1
      ending = tx.session(container, "ending")
      assert_nil ending.deadline
      ending.deadline = Lovely::Testing.clock(store) + 50
      assert_in_delta Lovely::Testing.clock(store) + 50, ending.deadline, 5
      ending["p"]["k"] = 1
      assert_raises(Lovely::OutOfRange) { session.timeout = 2000 }
      assert_raises(Lovely::OutOfRange) { session.timeout = -1 }
      assert_in_delta Lovely::Testing.clock(store), session.created_at, 5
      assert_in_delta Lovely::Testing.clock(store), session.accessed_at, 5
    end
    Lovely::Testing.advance_clock(store, 60 + slack)
    transaction { |tx| assert_equal([true, true, false], %w[own usual ending].map { |id| tx.session?(container, id) }) }
    Lovely::Testing.advance_clock(store, 60 + slack)
    transaction { |tx| assert_equal([true, false], %w[own usual].map { |id| tx.session?(container, id) }) }
  end

  def test_a_vote_comes_before_the_commit
    tx = Lovely::Transaction.new
    package = tx.session(container, "s")["p"]
    package["k"] = 1
    tx.prepare
    assert_equal :prepared, tx.state
    assert_raises(Lovely::Misuse) { package["k"] = 2 }
    assert_equal 1, package["k"]
    assert_empty stored("s")
    tx.commit
    assert_equal :committed, tx.state
    entry = tx.report.first
    assert_equal ["app", "s", :write, :stored, 0, 3600], entry.to_a
    tx.close
    refute_empty stored("s")
  end

  def test_open_sessions_and_options
    transaction(commit_timeout: 2.5) do |tx|
      assert_in_delta 2.5, tx.commit_timeout
      assert_empty tx.sessions
      sessions = [tx.session(container, "a"), tx.session(container, "b")]
      assert_equal sessions, tx.sessions
    end
    transaction { |tx| assert_nil tx.commit_timeout }
  end

  # Contract 2.1, 2.2: strict on types.
  def test_what_is_equal_is_not_written
    set("s", "k", { "a" => [1, 2.5], "b" => "t" })
    before = store.stats[:writes]
    set("s", "k", { b: "t", a: [1, 2.5] })
    assert_equal before, store.stats[:writes]
    set("s", "k", { b: "t", a: [1.0, 2.5] })
    assert_equal before + 1, store.stats[:writes]
  end

  # Contract 2.6: a second thread gets an error, not undefined behaviour.
  def test_many_threads_on_stores_and_containers
    container
    threads = Array.new(8) do |number|
      Thread.new do
        25.times do |turn|
          transaction do |tx|
            tx.session(container, "s")["p"].increment("n") and tx.session(container, "t#{number}")["p"]["k"] = [turn]
          end
        end
      end
    end
    threads.each(&:join)
    assert_equal 200, stored("s")["p"]["n"]
    assert_equal [24], stored("t3")["p"]["k"]
  end

  def test_two_threads_on_one_transaction_never_crash
    tx = Lovely::Transaction.new
    package = tx.session(container, "s")["p"]
    threads = Array.new(4) do |number|
      Thread.new do
        300.times do |turn|
          package["k#{number}"] = [turn, "text"]
          assert_kind_of Array, package["k#{number}"]
          tx.session(container, "t#{turn % 7}")
        rescue Lovely::Misuse
          nil
        end
      end
    end
    threads.each(&:join)
    tx.close
  end
end
