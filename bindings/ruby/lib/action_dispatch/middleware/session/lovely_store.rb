# frozen_string_literal: true

require "action_dispatch"
require "rack/session/lovely"

# Rails, and what it calls its sessions.
module ActionDispatch
  # Stores of sessions.
  module Session
    # Sessions of Rails applications, in a store of lovely-session:
    #
    #   config.session_store :lovely_store, store: "memcached://127.0.0.1", key: "_app_session", expire_after: 1.hour
    #
    # The options are those of {Rack::Session::Lovely}. The session object is Rails' own, which takes the whole session
    # when it is first asked for a key; and it has `increment`, `decrement` and `package`:
    #
    #   session.increment(:visits)
    class LovelyStore < AbstractSecureStore
      include Rack::Session::Lovely::Adapter

      # What the session object has beside Rails' own methods.
      module More
        # Adds to an integer, so that no increment of a concurrent request is lost. An absent key counts as 0.
        #
        # @param key [#to_s]
        # @param delta [Integer] may be negative
        # @return [Integer] the sum as this request sees it
        def increment(key, delta = 1)
          load_for_write!
          self[key] = @by.increment(@req, key, delta, held: [self[key]])
        end

        # Another package of the session, such as one that programs in other languages use. It is stored together with
        # the session's keys; its increments merge, and its lists and maps are read frozen.
        #
        # @param name [String, Symbol]
        # @return [::Lovely::Package] good until the response
        def package(name)
          load_for_write!
          @by.other_package(@req, name)
        end

        # Subtracts from an integer; see {#increment}.
        # @return [Integer]
        def decrement(key, delta = 1)
          increment(key, -delta)
        end

        # Destroys the session at once, which `reset_session` does too; what is written from now on goes to a new one. It
        # need not be readable.
        def destroy
          super
        rescue ::Lovely::Corrupt
          # Rails loads it to empty it. What counts as loaded is not loaded for that.
          @loaded = true
          super
        end
      end

      private

      def prepare_session(req)
        super
        req.get_header(Rack::RACK_SESSION).extend(More)
      end
    end
  end
end
