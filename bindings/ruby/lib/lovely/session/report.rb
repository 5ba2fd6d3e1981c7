# frozen_string_literal: true

module Lovely
  # What became of the sessions that a commit was to write or destroy.
  module Report
    # What became of one session.
    #
    # @!attribute [r] container
    #   @return [String] the container's name
    # @!attribute [r] id
    #   @return [String] the session's id: the new one, if it was given one
    # @!attribute [r] kind
    #   @return [Symbol] :write or :destroy
    # @!attribute [r] outcome
    #   @return [Symbol] :stored, :not_stored or :unknown
    # @!attribute [r] status
    #   @return [Integer] why it was not stored; 0 if it was, or if only the other sessions kept it from being stored
    # @!attribute [r] timeout
    #   @return [Numeric] seconds that it was to be stored with, which a cookie's age should be; 0 is never
    Entry = Struct.new(:container, :id, :kind, :outcome, :status, :timeout, keyword_init: true)

    KINDS = %i[write destroy].freeze
    OUTCOMES = %i[not_stored stored unknown].freeze
    private_constant :KINDS, :OUTCOMES

    class << self
      # @api private
      # @return [Array<Entry>]
      def read(txn)
        Array.new(Native.ls_txn_report_count(txn)) do |index|
          Entry.new(container: Native.get_text(:ls_txn_report_container, txn, index, &:text),
                    id: Native.get_text(:ls_txn_report_id, txn, index, &:bytes),
                    kind: KINDS.fetch(small(:ls_txn_report_kind, txn, index)),
                    outcome: OUTCOMES.fetch(small(:ls_txn_report_outcome, txn, index)),
                    status: small(:ls_txn_report_status, txn, index),
                    timeout: Duration.seconds(Native.integer(:ls_txn_report_timeout, txn, index))).freeze
        end
      end

      private

      def small(function, txn, index)
        Native.get(function, txn, index) { |scratch| scratch.out.get_int32(0) }
      end
    end
  end
end
