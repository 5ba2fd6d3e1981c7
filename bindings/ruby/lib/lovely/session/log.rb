# frozen_string_literal: true

module Lovely # rubocop:disable Style/Documentation
  # The log of the library goes to a logger of Ruby. Its lines name neither session ids nor values.
  module Log
    # Numbers of levels, as the library counts, and the logger's methods.
    LEVELS = { error: 1, warn: 2, info: 3, debug: 4 }.freeze
    private_constant :LEVELS

    class << self
      # @param logger [Logger, nil] where lines go; nil for silence
      # @param level [Symbol] the least important lines that are wanted: :error, :warn, :info or :debug
      def set(logger, level)
        number = LEVELS.fetch(level) { raise InvalidArgument, "there is no log level #{level.inspect}" }
        callback = logger && callback_to(logger)
        Native.run(:ls_log_set, callback, nil, number)
        # Another thread may still be in the callback before, which must not be collected under it.
        (@kept ||= []) << callback if callback
      end

      private

      # It runs inside a call of the library. What a logger raises or throws must not end that call, for a commit may have
      # been done; nor may what another thread raises here, or a kill. And no other fiber runs meanwhile, which would find the
      # library's locks taken. So it runs on a fiber of its own, that blocks, and is not interrupted.
      def callback_to(logger)
        methods = LEVELS.invert
        proc do |_, level, line, length|
          Thread.handle_interrupt(Object => :never) do
            text = line.get_bytes(0, length).force_encoding(Encoding::UTF_8)
            Fiber.new(blocking: true) { write(logger, methods.fetch(level, :info), text) }.resume
          end
        end
      end

      def write(logger, method, text)
        logger.public_send(method, text)
      rescue Exception => e # rubocop:disable Lint/RescueException
        Kernel.warn("lovely-session: the logger failed: #{e.class}")
      end
    end
  end
  private_constant :Log

  # Sends the log of the library to a logger.
  #
  # @param logger [Logger, nil] anything with the methods error, warn, info and debug; nil for silence
  # @param level [Symbol] the least important lines that are wanted
  # @return [void]
  def self.log_to(logger, level: :warn)
    Log.set(logger, level)
  end
end
