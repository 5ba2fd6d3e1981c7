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
    def initialize(message = nil, status: self.class::STATUS, errno: 0, retryable: false)
      super(message)
      @status = status
      @errno = errno
      @retryable = retryable
    end

    # A status that this version does not know.
    STATUS = 0

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
  class InvalidArgument < Error; STATUS = -10; end
  # A right call at the wrong time: after commit or abort, from a second thread, in a forked child.
  class Misuse < Error; STATUS = -11; end
  # A value of another type than the call needs, or of a class that cannot be stored.
  class TypeMismatch < Error; STATUS = -12; end
  # Over a size limit; the message names the limit.
  class TooLarge < Error; STATUS = -13; end
  # A number outside what can be represented or is allowed.
  class OutOfRange < Error; STATUS = -14; end
  # Something that this store, server or build cannot do.
  class Unsupported < Error; STATUS = -15; end
  # A savepoint that is not, or no longer, one of this transaction.
  class InvalidSavepoint < Error; STATUS = -16; end
  # A server that cannot be reached, or that refused; nothing was applied.
  class Unavailable < Error; STATUS = -20; end
  # No answer in time to something that changes nothing.
  class TimedOut < Error; STATUS = -21; end
  # A server that does not speak the protocol.
  class ProtocolError < Error; STATUS = -22; end
  # A write was sent and not answered: it may or may not have been applied.
  class UnknownOutcome < Error; STATUS = -23; end
  # The call was cancelled.
  class Cancelled < Error; STATUS = -24; end
  # Stored bytes that cannot be read.
  class Corrupt < Error; STATUS = -30; end
  # Another transaction changed the same key differently; running the work again may succeed.
  class Conflict < Error; STATUS = -40; end
  # The session that was loaded, or found absent, was destroyed, evicted or expired since.
  class Gone < Error; STATUS = -41; end
  # Some sessions of a commit were stored and some were not; {Error#report} says which.
  class Partial < Error; STATUS = -42; end
  # The transaction failed earlier and takes nothing but abort.
  class TransactionFailed < Error; STATUS = -43; end
  # The server refused the write and dropped what was stored.
  class Lost < Error; STATUS = -44; end
  # A defect of the library.
  class Panic < Error; STATUS = -90; end

  # Raise it in a block of {Transaction#savepoint} to undo what the block did, and go on after it.
  class Rollback < StandardError; end

  # The class for each status.
  # @api private
  ERRORS = [
    InvalidArgument, Misuse, TypeMismatch, TooLarge, OutOfRange, Unsupported, InvalidSavepoint, Unavailable, TimedOut,
    ProtocolError, UnknownOutcome, Cancelled, Corrupt, Conflict, Gone, Partial, TransactionFailed, Lost, Panic
  ].to_h { |error| [error::STATUS, error] }.freeze
  private_constant :ERRORS

  class Error
    # @api private
    # @return [Error] the error for what the library answered
    def self.from(status, message, errno, flags)
      ERRORS.fetch(status, Error).new(message, status: status, errno: errno, retryable: flags.anybits?(1))
    end
  end
end
