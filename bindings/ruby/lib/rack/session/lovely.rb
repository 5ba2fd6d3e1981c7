# frozen_string_literal: true

require "rack/session/abstract/id"
require "lovely/session"
require_relative "lovely/adapter"
require_relative "lovely/visit"
require_relative "lovely/data"
require_relative "lovely/session_hash"

# Rack, and what it calls its sessions.
module Rack
  # Middlewares that keep sessions.
  module Session
    # Sessions of Rack applications, in a store of lovely-session.
    #
    #   use Rack::Session::Lovely, store: "memcached://127.0.0.1", expire_after: 3600, secure: true
    #
    # What a request loads stays open, in a transaction, until its response: what it changed is merged, key by key, with
    # what others stored meanwhile. A request that does not touch the session does no I/O; one that changes nothing
    # writes nothing. A session that somebody destroyed is never brought back, and an id that is not known is never
    # adopted.
    #
    # Beside the options that all session middlewares of Rack have:
    #
    # store::          a {::Lovely::Store}, or its URL; without one, LOVELY_SESSION_URL counts
    # container::      the name of the container, or a {::Lovely::Container}; "rack" by default
    # package::        the package of the session that holds the keys; "rack" by default
    # timeout::        idle timeout in seconds; expire_after by default, else the container's
    # max_timeout::    the longest expire_after that a request may ask for; the timeout by default
    # lifetime::       absolute lifetime of a session in seconds
    # on_conflict::    what to do about a key that two requests changed differently: :mine (the later wins, the default),
    #                  :merge or :strict (the later fails with {::Lovely::Conflict}), :overwrite
    # recreate::       whether a session that was evicted during the request is stored anew
    # ids::            :private (the default): the store knows sessions by a digest of what the cookie says; :public: by what
    #                  the cookie says, as programs in other languages do; :fallback: by either
    # on_unavailable:: :raise (the default), or :empty_flagged: while the store is away, sessions read as empty, say so by
    #                  `session.unavailable?` and `env["rack.session.lovely.unavailable"]`, and are not written
    class Lovely < Abstract::PersistedSecure
      include Adapter

      private

      def session_class
        SessionHash
      end
    end
  end
end
