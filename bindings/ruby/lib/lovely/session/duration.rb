# frozen_string_literal: true

module Lovely
  # Ruby counts seconds and has Time; the library counts milliseconds.
  #
  # @api private
  module Duration
    # @param seconds [Numeric] seconds, an ActiveSupport::Duration included
    # @param what [String, Symbol] what an error calls it
    # @return [Integer] milliseconds
    def self.ms(seconds, what)
      # Not what has to_f: nil and "1 hour" do, and would be 0, which is never, and 1.
      raise TypeMismatch, "#{what} is a number of seconds, not #{seconds.class}" unless seconds.is_a?(Numeric)

      # A duration of ActiveSupport says that it is an Integer, and is none.
      value = Integer === seconds ? seconds * 1000 : seconds.to_f * 1000 # rubocop:disable Style/CaseEquality
      raise OutOfRange, "#{what} is not a time" unless Value::INTEGERS.cover?(value)

      # What is less than one is not the same as nothing.
      value.positive? ? [value.round, 1].max : value.floor
    end

    # @param time [Time, #to_time, Numeric] a Date and what ActiveSupport has for times included; or Unix seconds
    # @param what [String, Symbol] what an error calls it
    # @return [Integer] Unix milliseconds
    def self.unix_ms(time, what)
      # A String has it by ActiveSupport, which would take half of any text for a time.
      time = time.to_time if time.respond_to?(:to_time) && !time.is_a?(String)
      raise TypeMismatch, "#{what} is a time, not #{time.class}" unless time.is_a?(Time) || time.is_a?(Numeric)
      raise OutOfRange, "#{what} is not a time" if time.is_a?(Float) && !time.finite?

      ms = (time.to_r * 1000).floor
      raise OutOfRange, "#{what} is not a time" unless Value::INTEGERS.cover?(ms)

      ms
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
