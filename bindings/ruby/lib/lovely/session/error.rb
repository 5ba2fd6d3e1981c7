# frozen_string_literal: true

module Lovely
  # What all failures are. Each status of the library has a class of its own; the message is one line that says what
  # and where, and never contains a session id or a stored value.
  class Error < StandardError
    # @return [Integer] the number of the status, such as -40
    attr_reader :status
    # @return [Integer] the system's error number behind the failure, or 0
    attr_reader :errno
    # @return [Array<Report::Entry>, nil] after a commit that failed: what became of each session
    attr_accessor :report

    # @param message [String, nil]
    # @param status [Integer]
    # @param errno [Integer]
    # @param retryable [Boolean]
    def initialize(message = nil, status: BY_STATUS.key(self.class) || 0, errno: 0, retryable: false)
      super(message)
      @status = status
      @errno = errno
      @retryable = retryable
    end

    # @return [Boolean] whether the same work, run again in a new transaction, may succeed
    def retryable?
      @retryable
    end

    # @return [String] the name of the status, such as "LS_ERR_CONFLICT"
    def status_name
      Native.ls_status_name(status)
    end
  end

  # An argument that can never be right.
  class InvalidArgument < Error; end
  # A right call at the wrong time: after commit or abort, from a second thread, in a forked child.
  class Misuse < Error; end
  # A value of another type than the call needs, or of a class that cannot be stored.
  class TypeMismatch < Error; end
  # Over a size limit; the message names the limit.
  class TooLarge < Error; end
  # A number outside what can be represented or is allowed.
  class OutOfRange < Error; end
  # Something that this store, server or build cannot do.
  class Unsupported < Error; end
  # A savepoint that is not, or no longer, one of this transaction.
  class InvalidSavepoint < Error; end
  # A server that cannot be reached, or that refused; nothing was applied.
  class Unavailable < Error; end
  # No answer in time to something that changes nothing.
  class TimedOut < Error; end
  # A server that does not speak the protocol.
  class ProtocolError < Error; end
  # A write was sent and not answered: it may or may not have been applied.
  class UnknownOutcome < Error; end
  # The call was cancelled.
  class Cancelled < Error; end
  # Stored bytes that cannot be read.
  class Corrupt < Error; end
  # Another transaction changed the same key differently; running the work again may succeed.
  class Conflict < Error; end
  # The session that was loaded, or found absent, was destroyed, evicted or expired since.
  class Gone < Error; end
  # Some sessions of a commit were stored and some were not; {Error#report} says which.
  class Partial < Error; end
  # The transaction failed earlier and takes nothing but abort.
  class TransactionFailed < Error; end
  # The server refused the write and dropped what was stored.
  class Lost < Error; end
  # A defect of the library.
  class Panic < Error; end

  # Raise it in a block of {Transaction#savepoint} to undo what the block did, and go on after it.
  class Rollback < StandardError; end

  class Error # rubocop:disable Style/Documentation
    # The class for each status.
    # @api private
    BY_STATUS = {
      -10 => InvalidArgument, -11 => Misuse, -12 => TypeMismatch, -13 => TooLarge, -14 => OutOfRange, -15 => Unsupported,
      -16 => InvalidSavepoint, -20 => Unavailable, -21 => TimedOut, -22 => ProtocolError, -23 => UnknownOutcome,
      -24 => Cancelled, -30 => Corrupt, -40 => Conflict, -41 => Gone, -42 => Partial, -43 => TransactionFailed,
      -44 => Lost, -90 => Panic
    }.freeze
    private_constant :BY_STATUS

    # @api private
    # @return [Error] the error for what the library answered
    def self.from(status, message, errno, flags)
      BY_STATUS.fetch(status, Error).new(message, status: status, errno: errno, retryable: flags.anybits?(1))
    end
  end
end
