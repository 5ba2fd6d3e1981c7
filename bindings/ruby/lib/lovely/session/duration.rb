# frozen_string_literal: true

module Lovely
  # Ruby counts seconds and has Time; the library counts milliseconds.
  #
  # @api private
  module Duration
    # @param seconds [Numeric, #to_f] seconds, an ActiveSupport::Duration included
    # @param what [String, Symbol] what an error calls it
    # @return [Integer] milliseconds
    def self.ms(seconds, what)
      raise TypeMismatch, "#{what} is a number of seconds, not #{seconds.class}" unless seconds.respond_to?(:to_f)

      # A duration of ActiveSupport says that it is an Integer, and is none.
      value = Integer === seconds ? seconds * 1000 : seconds.to_f * 1000 # rubocop:disable Style/CaseEquality
      raise OutOfRange, "#{what} is not a time" unless Value::INTEGERS.cover?(value)

      value.round
    end

    # @param ms [Integer, nil]
    # @return [Integer, Float, nil] seconds; an Integer if they are whole
    def self.seconds(ms)
      return unless ms

      (ms % 1000).zero? ? ms / 1000 : ms / 1000.0
    end

    # @param ms [Integer, nil] Unix milliseconds
    # @return [Time, nil]
    def self.time(ms)
      ms && Time.at(0, ms, :millisecond)
    end
  end
end
