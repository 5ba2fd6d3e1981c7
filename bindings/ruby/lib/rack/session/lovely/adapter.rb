# frozen_string_literal: true

module Rack
  module Session
    class Lovely < Abstract::PersistedSecure
      # What the middlewares of Rack and of Rails have in common: the three methods that their base class asks for.
      module Adapter
        # The options of our own; see {Lovely}.
        OPTIONS = %i[store container package timeout max_timeout lifetime resolution on_conflict recreate ids
                     on_unavailable].freeze
        # Where the error stands while the store is away.
        UNAVAILABLE = "rack.session.lovely.unavailable"
        # What an outage looks like.
        OUTAGE = [::Lovely::Unavailable, ::Lovely::TimedOut, ::Lovely::UnknownOutcome].freeze
        private_constant :OUTAGE

        # @return [::Lovely::Container] where the sessions are
        attr_reader :container
        # @return [String] the package that holds the keys
        attr_reader :package

        # @param app [#call]
        # @param options [Hash] see {Lovely}
        def initialize(app, options = {})
          super
          options = OPTIONS.to_h { |name| [name, @default_options.delete(name)] }
          @package = (options[:package] || "rack").to_s
          @ids = one_of(%i[private public fallback], options[:ids] || :private, :ids)
          @is_flagged = one_of(%i[raise empty_flagged], options[:on_unavailable] || :raise, :on_unavailable) != :raise
          @container = container_of(options)
          # Several of us may serve one request, with containers of their own.
          @visit_header = "rack.session.lovely.visit.#{object_id}"
          @renewal_header = "rack.session.lovely.renewal.#{object_id}"
        end

        # Takes what the request changed into the response; see the base class.
        def commit_session(req, _res)
          session = req.get_header(RACK_SESSION)
          return super unless session.is_a?(SessionHash)

          session.committing { super unless only_written?(req, session) }
        end

        # Adds to an integer of the session, so that no concurrent increment is lost. The session objects have it as a
        # method; this is for those of other frameworks.
        #
        # @param req [Rack::Request]
        # @param key [#to_s]
        # @param delta [Integer]
        # @param held [Array] if the session object has a Hash of its own: what stands there under the key, or nil
        # @return [Integer] the sum as this request sees it
        def increment(req, key, delta = 1, held: nil)
          visit = visit(req, current_session_id(req))
          visit.catch_up(key.to_s, *held) if held
          visit.increment(key.to_s, delta)
        end

        # Another package of the session, which this request reads and writes with it, and stores together with it.
        #
        # @param req [Rack::Request]
        # @param name [String, Symbol]
        # @return [::Lovely::Package]
        def other_package(req, name)
          visit(req, current_session_id(req)).other(name)
        end

        # Under what the store may know a session; the first is what a new one gets.
        #
        # @api private
        # @param sid [SessionId, nil]
        # @return [Array<String>]
        def keys(sid)
          # By a parameter of the request (cookie_only: false), an id may be an Array or a Hash.
          return [] unless sid && sid.public_id.is_a?(String) && !sid.public_id.empty?
          return [sid.private_id.freeze] if @ids == :private

          public_ids = sid.public_id.bytesize > ::Lovely::Session::MAX_ID ? [] : [sid.public_id]
          @ids == :public ? public_ids : [sid.private_id, *public_ids]
        end

        # What a request holds of its session.
        #
        # @api private
        # @return [Visit]
        def visit(req, sid)
          visit = req.get_header(@visit_header)
          return req.set_header(@visit_header, load(req, sid)) unless visit&.is?(sid)
          return visit unless (renewal = req.delete_header(@renewal_header))

          # Loaded again after it was to be renewed: the application destroyed it, and what it wants is a new one.
          destroy(req, sid)
          req.set_header(@visit_header, Visit.fresh(self, renewal.last, replaces: sid))
        end

        private

        # Does all that there is to do about most requests: to write the session under the id that the cookie has already.
        # @return [Boolean] whether that is all; if not, nothing was done
        def only_written?(req, session)
          options = session.options
          return false if options[:renew] || options[:drop] || options[:expire_after] || options[:max_age]
          return true unless commit_session?(req, session, options)

          sid = session.id
          return false unless sid.public_id == req.cookies[@key]
          return true if write_session(req, sid, nil, options)

          req.get_header(RACK_ERRORS).puts("Warning! #{self.class.name} failed to save session. Content dropped.")
          true
        end

        def find_session(req, sid)
          visit = visit(req, sid)
          [visit.sid, visit.content]
        end

        # Called for every session that was loaded, changed or not.
        def write_session(req, sid, hash, options)
          visit = visit_to_write(req, sid)
          return dropped(req, visit.error) if visit.error

          session = req.get_header(RACK_SESSION)
          visit.take(hash) unless session.is_a?(SessionHash) && session.committing?
          own_timeout(visit, options[:expire_after])
          visit.commit(sid)
          visit.sid
        rescue ::Lovely::Gone => e
          dropped(req, e)
        rescue *OUTAGE => e
          raise unless @is_flagged

          req.set_header(UNAVAILABLE, e)
          dropped(req, e)
        end

        # With `:renew` it is called before the session is written: that is when it takes the new id, with its data.
        def delete_session(req, sid, options)
          if options[:renew] && !options[:drop]
            fresh = generate_sid
            req.set_header(@renewal_header, [sid, fresh])
            return fresh
          end
          destroy(req, sid)
          fresh = generate_sid
          req.set_header(@visit_header, Visit.fresh(self, fresh, replaces: sid))
          fresh unless options[:drop]
        end

        # Done at once: the application may go on to fail, and the visitor is signed out all the same.
        def destroy(req, sid)
          visit = req.get_header(@visit_header)
          if visit&.is?(sid)
            visit.close
            # Nothing was stored when it was opened, and nothing since.
            return if visit.new? && !visit.error
          elsif !same?(sid, extract_session_id(req))
            return
          end
          ::Lovely.transaction { |tx| keys(sid).each { |key| tx.destroy_session(@container, key) } }
        end

        def load(req, sid)
          keys(sid).each do |key|
            visit = Visit.load(self, sid, key)
            return visit if visit
          end
          Visit.fresh(self, generate_sid, replaces: sid)
        rescue *OUTAGE => e
          raise unless @is_flagged

          req.set_header(UNAVAILABLE, e)
          Visit.unavailable(self, sid || generate_sid, e)
        end

        def visit_to_write(req, sid)
          visit = req.get_header(@visit_header)
          old, fresh = req.get_header(@renewal_header)
          sid = old if same?(fresh, sid)
          return visit if visit&.open_for?(sid)

          # Without what was loaded there is no telling whether an unknown id was destroyed meanwhile: it gets a new one.
          load(req, sid)
        end

        # A request that asks for another time than all others gives it to the session, which keeps it.
        def own_timeout(visit, seconds)
          visit.timeout = seconds if seconds && seconds != @default_options[:expire_after] && seconds.to_f.positive?
        end

        def dropped(req, error)
          req.get_header(RACK_ERRORS)&.puts("#{self.class.name}: #{error.message}")
          false
        end

        def same?(one, other)
          one && other && one.public_id == other.public_id
        end

        def container_of(options)
          container = options[:container] || "rack"
          given = options.slice(:timeout, :max_timeout, :lifetime, :resolution, :on_conflict, :recreate).compact
          return container.configure(**given) if container.is_a?(::Lovely::Container)

          store = options[:store]
          store = ::Lovely::Store.open(store) unless store.is_a?(::Lovely::Store)
          defaults = { on_conflict: :mine, timeout: @default_options[:expire_after] }.compact
          store.container(container, **defaults, **given)
        end

        def one_of(allowed, value, name)
          return value if allowed.include?(value)

          raise ::Lovely::InvalidArgument, "#{name} is one of #{allowed.join(", ")}, not #{value.inspect}"
        end
      end
    end
  end
end
