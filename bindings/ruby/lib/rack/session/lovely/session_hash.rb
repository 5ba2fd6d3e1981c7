# frozen_string_literal: true

module Rack
  module Session
    class Lovely < Abstract::PersistedSecure
      # The session object of a request: what Rack's own does, on keys that are read when they are asked for.
      class SessionHash < Abstract::PersistedSecure::SecureSessionHash
        # @param key [#to_s]
        # @return [Object, nil] the value; the session's id for "session_id"
        def [](key)
          # What most calls are, in one step.
          @loaded && key != "session_id" ? @data[key.to_s] : super
        end

        # Adds to an integer, so that no increment of a concurrent request is lost. An absent key counts as 0.
        #
        # @param key [#to_s]
        # @param delta [Integer] may be negative
        # @return [Integer] the sum as this request sees it
        def increment(key, delta = 1)
          load_for_write!
          @data.increment(key.to_s, delta)
        end

        # Subtracts from an integer; see {#increment}.
        # @return [Integer]
        def decrement(key, delta = 1)
          increment(key, -delta)
        end

        # Another package of the session, such as one that programs in other languages use. It is stored together with
        # the session's keys; its increments merge, and its lists and maps are read frozen.
        #
        # @param name [String, Symbol]
        # @return [::Lovely::Package] good until the response
        def package(name)
          load_for_write!
          @store.other_package(@req, name)
        end

        # @return [Boolean] whether the store could not be asked: the session is empty for want of it, and will not be
        #   written. Only with `on_unavailable: :empty_flagged`
        def unavailable?
          load_for_read!
          !@req.get_header(Adapter::UNAVAILABLE).nil?
        end

        # Destroys the session at once, without loading it; what is written from now on goes to a new one.
        def destroy
          sid = id
          fresh = @store.__send__(:delete_session, @req, sid, options.merge(renew: false))
          @data = @store.visit(@req, sid).data
          @loaded = true
          @id = fresh
        end

        # Whether there is an id. Unlike the base class's, it leaves alone what was loaded.
        def exists?
          return super unless loaded?

          @exists = @store.__send__(:session_exists?, @req) unless instance_variable_defined?(:@exists)
          @exists
        end

        # @return [Hash] all keys and values; yours
        def to_hash
          load_for_read!
          # The base class asks for everything before it writes, of which nothing is needed then.
          committing? ? {} : @data.to_hash.dup
        end

        # While the middleware takes the session into the response.
        # @api private
        def committing
          @committing = true
          yield
        ensure
          @committing = false
        end

        # @api private
        def committing?
          @committing ? true : false
        end

        private

        # As the base class's: without an id there is nothing to load.
        def load_for_read!
          return if @loaded

          sid = id
          sid && !sid.empty? ? load! : exists?
        end

        def load!
          visit = @store.visit(@req, id)
          @id = visit.sid
          @data = visit.data
          @loaded = true
        end
      end
    end
  end
end
