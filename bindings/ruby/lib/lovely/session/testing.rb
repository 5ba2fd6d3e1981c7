# frozen_string_literal: true

require_relative "../session"

module Lovely
  # Help for tests of applications: time is moved, not slept on, and failures are scripted. `require
  # "lovely/session/testing"` to have it.
  module Testing
    # Numbers of faults.
    FAULTS = { unavailable: 1, timeout: 2, lost_answer: 3, refused: 4, refused_dropped: 5 }.freeze
    # Numbers of the operations that a fault may meet.
    OPERATIONS = { load: 1, write: 2, versions: 4 }.freeze
    private_constant :FAULTS, :OPERATIONS

    module_function

    # Moves a store's clock forward: everything in it ages.
    #
    # @param store [Store]
    # @param seconds [Numeric]
    def advance_clock(store, seconds)
      Native.run(:ls_test_clock_advance, store.handle, Duration.ms(seconds, :seconds))
    end

    # @param store [Store]
    # @return [Time] the store's clock
    def clock(store)
      Duration.time(Native.integer(:ls_test_clock_now, store.handle))
    end

    # Makes one stored session look as if it had not been opened for a time.
    #
    # @param container [Container]
    # @param id [String]
    # @param seconds [Numeric]
    # @return [Boolean] whether it is stored
    def make_idle(container, id, seconds)
      Native.run(:ls_test_session_idle, container.handle, id, id.bytesize, Duration.ms(seconds, :seconds))
    end

    # Removes one stored session as if the server had evicted it.
    #
    # @param container [Container]
    # @param id [String]
    # @return [Boolean] whether it was stored
    def evict(container, id)
      Native.run(:ls_test_session_drop, container.handle, id, id.bytesize)
    end

    # Makes a `memory://` store fail. With a block: for as long as that runs.
    #
    # @param store [Store]
    # @param kind [Symbol] :unavailable, :timeout, :lost_answer, :refused or :refused_dropped
    # @param operations [Array<Symbol>] of :load, :write and :versions
    # @param skip [Integer] how many of these pass before
    # @param count [Integer] for how many after that; 0 until {clear_faults}
    def fault(store, kind, operations: OPERATIONS.keys, skip: 0, count: 0)
      operations = Array(operations).sum { |operation| OPERATIONS.fetch(operation) }
      Native.run(:ls_test_fault, store.handle, FAULTS.fetch(kind), operations, skip, count)
      return unless block_given?

      begin
        yield
      ensure
        clear_faults(store)
      end
    end

    # Forgets all faults of a store.
    #
    # @param store [Store]
    def clear_faults(store)
      Native.run(:ls_test_fault_clear, store.handle)
    end
  end
end
