# frozen_string_literal: true

module Lovely
  # Where sessions live: in memory of this process, or on memcached servers. Stores are meant to be shared by threads,
  # and those on memcached go on working in a forked child.
  class Store
    # Numbers of the options, by their names here.
    OPTIONS = { connect_timeout: 1, exchange_timeout: 2, commit_timeout: 3, memory_size: 4, item_limit: 5,
                flush_allowed: 6, retry_pause: 7 }.freeze
    # Those that are given in seconds.
    SECONDS = %i[connect_timeout exchange_timeout commit_timeout retry_pause].freeze
    # Numbers of the counters.
    STATS = { requests: 1, hits: 2, misses: 3, writes: 4, conflicts: 5, merges: 6, retries: 7, gone: 8, unknown: 9,
              refused: 10, evictions: 11, expired: 12, bytes_read: 13, bytes_written: 14, items: 15,
              bytes_stored: 16, connections: 17, connections_open: 18, connections_failed: 19, timeouts: 20,
              set_aside: 21, exchanges: 22, latency_p50: 23, latency_p90: 24, latency_p99: 25, latency_p999: 26,
              latency_max: 27 }.freeze
    private_constant :OPTIONS, :SECONDS, :STATS

    class << self
      # Opens a store.
      #
      # @param url [String, nil] such as "memory://name" or "memcached://host:11211,other/prefix"; without one,
      #   LOVELY_SESSION_URL counts, else it is "memory://default"
      # @param options [Hash] connect_timeout, exchange_timeout, commit_timeout and retry_pause in seconds; memory_size
      #   and item_limit in bytes; flush_allowed
      # @return [Store]
      # @raise [InvalidArgument] for a URL or an option that cannot be
      def open(url = nil, **options)
        raise TypeMismatch, "a store's URL is a String, not #{url.class}" unless url.nil? || url.is_a?(String)
        raise InvalidArgument, "an empty URL" if url && url.empty?

        native = native_options(options)
        # The handle must not be lost to an exception of another thread between the call and its answer.
        handle = Thread.handle_interrupt(Object => :never) do
          Native.get(:ls_store_open, url, url ? url.bytesize : 0, native) do |scratch|
            Native::StoreHandle.new(scratch.pointer)
          end
        end
        native&.free
        new(handle)
      end

      # Finds the store that was registered under a name in this process.
      #
      # @param name [String, Symbol]
      # @return [Store, nil]
      def find(name)
        name = Native.name(name, "store's name")
        handle = Native.get(:ls_store_find, name, name.bytesize) do |scratch|
          Native::StoreHandle.new(scratch.pointer)
        end
        handle && new(handle)
      end

      # Forgets a name. The store stays open for those who have it.
      #
      # @param name [String, Symbol]
      # @return [Boolean] whether it was registered
      def unregister(name)
        name = Native.name(name, "store's name")
        Native.run(:ls_store_unregister, name, name.bytesize)
      end

      private :new

      private

      def native_options(options)
        return if options.empty?

        native = Native.get(:ls_options_new) { |scratch| Native::OptionsHandle.new(scratch.pointer) }
        options.each do |name, value|
          number = OPTIONS.fetch(name) { raise InvalidArgument, "a store has no option #{name}" }
          Native.run(:ls_options_set, native, number, option_value(name, value))
        end
        native
      end

      def option_value(name, value)
        return Duration.ms(value, name) if SECONDS.include?(name)
        return value ? 1 : 0 if name == :flush_allowed

        raise TypeMismatch, "#{name} is a number of bytes, not #{value.class}" unless value.is_a?(Integer)
        raise OutOfRange, "#{name}: an Integer outside 64 bits" unless Value::INTEGERS.cover?(value)

        value
      end
    end

    # @api private
    def initialize(handle)
      @handle = handle
    end

    # Opens a container: a named family of sessions. A container is its store and its name: options act on all who use
    # it in this process.
    #
    # @param name [String, Symbol]
    # @param options [Hash] see {Container#configure}
    # @return [Container]
    def container(name, **options)
      name = Native.name(name, "container's name")
      handle = Native.get(:ls_container_open, @handle, name, name.bytesize) do |scratch|
        Native::ContainerHandle.new(scratch.pointer)
      end
      Container.__send__(:new, self, handle).configure(**options)
    end

    # Runs a block in a transaction; see {Lovely.transaction}.
    def transaction(**options, &work)
      Lovely.transaction(**options, &work)
    end

    # @return [String] the store's URL in its shortest form, without options and secrets
    def name
      Native.get_text(:ls_store_name, @handle, &:text)
    end
    alias to_s name

    # @return [String]
    def inspect
      "#<#{self.class} #{name}>"
    end

    # @return [true] if all servers answer
    # @raise [Unavailable, TimedOut, ProtocolError, Unsupported]
    def ping
      Native.io(:ls_store_ping, @handle)
    end

    # Looks up the host names of the servers again.
    # @return [true]
    def resolve
      Native.run(:ls_store_resolve, @handle)
    end

    # Removes everything from the store, the data of other applications included. Servers must have been opened with
    # `flush=allow`.
    # @return [true]
    def flush
      Native.io(:ls_store_flush, @handle)
    end

    # Makes the store known under a name in this process, and keeps it open.
    #
    # @param name [String, Symbol]
    # @return [self]
    def register(name)
      name = Native.name(name, "store's name")
      Native.run(:ls_store_register, @handle, name, name.bytesize)
      self
    end

    # @return [Hash{Symbol => Integer}] the counters, counted since the store was opened in this process
    def stats
      STATS.transform_values { |number| Native.integer(:ls_store_stat, @handle, number) }
    end

    # @return [Hash{String => Hash{Symbol => Integer}}] the counters of each server, by its name
    def server_stats
      Array.new(Native.ls_store_server_count(@handle)) do |index|
        [Native.get_text(:ls_store_server_name, @handle, index, &:text),
         STATS.transform_values { |number| Native.integer(:ls_store_server_stat, @handle, index, number) }]
      end.to_h
    end

    # @return [String] the counters for people, one in a line
    def stats_text
      Native.get_text(:ls_store_stats_text, @handle) do |scratch|
        scratch.text
      ensure
        Native.ls_text_free(scratch.pointer)
      end
    end

    # What the C functions take.
    # @api private
    attr_reader :handle
  end
end
