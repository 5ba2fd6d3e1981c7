# frozen_string_literal: true

module Lovely
  # The sessions that are opened, changed, and stored or dropped together, of any containers of any stores. It is one
  # transaction; begin another for the next. It is for one thread at a time.
  #
  # {Lovely.transaction} and {Store#transaction} are the usual way to one. Who begins one by {new} ends it by {commit} or
  # {abort}, and may {close} it then, which gives its memory back before the garbage collector does.
  class Transaction
    # By the number that the library gives.
    STATES = %i[active prepared committed aborted failed poisoned].freeze
    COMMIT_TIMEOUT = 1
    private_constant :STATES, :COMMIT_TIMEOUT

    # A transaction for the time of a block.
    # @api private
    def self.run(commit_timeout)
      transaction = new
      begin
        transaction.commit_timeout = commit_timeout if commit_timeout
        result = yield transaction
        # Who ended it in the block has said what should become of it.
        transaction.commit if transaction.active? || transaction.prepared?
        result
      ensure
        transaction.close
      end
    end

    # Begins a transaction. No I/O.
    def initialize
      @owner = Native::Owner.take
      @handle = @owner.begin
    end

    # There is one handle to a transaction.
    # @raise [Misuse]
    def initialize_copy(_other)
      raise Misuse, "a transaction cannot be copied"
    end

    # Opens a session: the one that is open in this transaction already, else as it is stored, else a new, empty one.
    # Opening renews its idle timeout, in the same round trip, and stores nothing.
    #
    # @param container [Container]
    # @param id [String] 1 to 8,192 bytes of any kind
    # @return [Session]
    # @raise [Gone] if this transaction destroys the session
    # @raise [Unavailable, TimedOut, ProtocolError, Corrupt, Unsupported] the transaction is as before
    def session(container, id)
      id = Session.id(id)
      Session.__send__(:new, self, load(handle, container.handle, id))
    end

    # Makes a new session with a random id. It is stored at commit, even if it is empty. No I/O.
    #
    # @param container [Container]
    # @param id [String, nil] the id to give it instead
    # @return [Session]
    def create_session(container, id = nil)
      pointer = Native.get(:ls_session_create, handle, container.handle, &:pointer)
      session = Session.__send__(:new, self, pointer)
      session.regenerate_id(id) if id
      session
    end

    # Asks whether there is a session. Asking does not open it and does not renew its timeout.
    #
    # @param container [Container]
    # @param id [String]
    # @return [Boolean]
    def session?(container, id)
      id = Session.id(id)
      Native.io(:ls_session_exists, handle, container.handle, id, id.bytesize)
    end

    # Destroys a session at commit, whatever it is by then. It need not be open, nor exist, nor be readable. No I/O.
    #
    # @param container [Container]
    # @param id [String]
    # @return [void]
    def destroy_session(container, id)
      id = Session.id(id)
      Native.run(:ls_session_destroy, handle, container.handle, id, id.bytesize)
    end

    # @return [Array<Session>] the open sessions, in the order of opening
    def sessions
      Array.new(Native.ls_txn_session_count(handle)) do |index|
        Session.__send__(:new, self, Native.get(:ls_txn_session_at, handle, index, &:pointer))
      end
    end

    # Makes a savepoint. No I/O.
    #
    # With a block: runs it, and rolls back to before it if it raises, or is left by break, return or throw; next is its
    # end. {Rollback} ends there; anything else goes on.
    #
    # @overload savepoint
    #   @return [Savepoint]
    # @overload savepoint
    #   @yieldparam savepoint [Savepoint]
    #   @return what the block returns; nil after {Rollback}
    def savepoint
      savepoint = Savepoint.new(self, Native.integer(:ls_txn_savepoint, handle))
      return savepoint unless block_given?

      begin
        result = yield savepoint
        is_done = true
        result
      rescue Rollback
        nil
      ensure
        # Whatever left it: a timeout, for one, may be thrown.
        savepoint.rollback if !is_done && savepoint.valid?
      end
    end

    # Puts everything back to what it was when the savepoint was made. Later savepoints end; this one stays. No I/O.
    #
    # @param savepoint [Savepoint]
    # @return [void]
    # @raise [InvalidSavepoint] if it has ended or is not one of this transaction; nothing is changed
    def rollback(savepoint)
      Native.run(:ls_txn_rollback, handle, savepoint.number)
    end

    # @param savepoint [Savepoint]
    # @return [Boolean] whether it can be rolled back to
    def savepoint_valid?(savepoint)
      !closed? && Native.ls_txn_savepoint_valid(handle, savepoint.number)
    end

    # Finds what can be known to fail, and stores nothing: the vote of a two-phase commit. Afterwards only reads, {commit}
    # and {abort} are allowed.
    #
    # @return [void]
    # @raise [Error] as {commit}
    def prepare
      finish { Native.io(:ls_txn_prepare, handle) }
    end

    # Stores every session that was changed, merged with what others stored meanwhile, and ends the transaction.
    #
    # @return [void]
    # @raise [Conflict] retryable; nothing is stored
    # @raise [Gone, TooLarge, OutOfRange, Unavailable, TimedOut, Corrupt, Unsupported] nothing is stored
    # @raise [Partial, UnknownOutcome, Lost] {Error#report} says what became of each session
    def commit
      finish do
        if IOQueue.current
          Native.io(:ls_txn_commit, handle)
        else
          Native.done { |err| Native.ls_txn_commit(handle, err) }
        end
      end
    end

    # Drops everything that the transaction changed, and ends it. No I/O.
    # @return [void]
    def abort
      Native.run(:ls_txn_abort, handle)
    end

    # @return [Symbol] :active, :prepared, :committed, :aborted, :failed or :poisoned; :closed after {close}
    def state
      @handle ? STATES.fetch(Native.ls_txn_state(@handle)) : :closed
    end

    # @return [Boolean] whether it takes everything
    def active?
      state == :active
    end

    # @return [Boolean] whether it takes reads, commit and abort only
    def prepared?
      state == :prepared
    end

    # @return [Numeric, nil] seconds that a commit may take; nil: as the stores say
    def commit_timeout
      ms = Native.integer(:ls_txn_get, handle, COMMIT_TIMEOUT)
      ms.negative? ? nil : Duration.seconds(ms)
    end

    # @param seconds [Numeric]
    def commit_timeout=(seconds)
      Native.run(:ls_txn_set, handle, COMMIT_TIMEOUT, Duration.ms(seconds, :commit_timeout))
    end

    # @return [Array<Report::Entry>] one for each session that a commit or prepare was to write or destroy
    def report
      Report.read(handle)
    end

    # Gives the memory of the transaction back, and aborts it if it has not ended. Using it, or a session or package of
    # it, raises {Misuse} from then on.
    # @return [void]
    def close
      @handle = nil
      # Whoever comes second finds nothing to free.
      owner, @owner = @owner, nil # rubocop:disable Style/ParallelAssignment
      owner&.free
    end

    # @return [Boolean]
    def closed?
      @handle.nil?
    end

    # @return [String]
    def inspect
      "#<#{self.class} #{state}>"
    end

    # What the C functions take.
    # @api private
    def handle
      @handle || raise(Misuse, "the transaction has ended")
    end

    private

    def load(txn, container, id)
      return Native.io_get(:ls_session_get, txn, container, id, id.bytesize, &:pointer) if IOQueue.current

      Native.pointer { |out, err| Native.ls_session_get(txn, container, id, id.bytesize, out, err) }
    end

    def finish
      yield
      nil
    rescue Error => e
      e.report = Report.read(@handle) if @handle
      raise
    end
  end

  # A mark in a transaction to roll back to.
  class Savepoint
    # @return [Integer] unique in the process
    attr_reader :number

    # @api private
    def initialize(transaction, number)
      @transaction = transaction
      @number = number
    end

    # See {Transaction#rollback}.
    # @return [void]
    def rollback
      @transaction.rollback(self)
    end

    # @return [Boolean] whether it can be rolled back to
    def valid?
      @transaction.savepoint_valid?(self)
    end
  end
end
