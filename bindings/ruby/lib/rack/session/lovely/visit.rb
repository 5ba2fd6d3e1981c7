# frozen_string_literal: true

module Rack
  module Session
    class Lovely < Abstract::PersistedSecure
      # What one request holds of one session: the transaction that it was loaded in, until the response.
      #
      # @api private
      class Visit
        # @return [SessionId] the id that the cookie is to have
        attr_reader :sid
        # @return [::Lovely::Error, nil] why the store does not answer
        attr_reader :error

        class << self
          # @return [Visit, nil] the session that is stored under the key; nil if there is none
          def load(owner, sid, key)
            transaction = ::Lovely::Transaction.new
            session = transaction.session(owner.container, key)
            return new(owner, sid, transaction, session) unless session.new?

            transaction.close
            nil
          end

          # A new session. No I/O.
          # @param replaces [SessionId, nil] the id that the request came with
          def fresh(owner, sid, replaces: nil)
            transaction = ::Lovely::Transaction.new
            session = transaction.create_session(owner.container, owner.keys(sid).first)
            new(owner, sid, transaction, session, is_new: true, replaces: replaces)
          end

          # A session that cannot be loaded: it reads as empty, and is never written.
          def unavailable(owner, sid, error)
            transaction = ::Lovely::Transaction.new
            new(owner, sid, transaction, transaction.create_session(owner.container), is_new: true, error: error)
          end

          private :new
        end

        def initialize(owner, sid, transaction, session, is_new: false, replaces: nil, error: nil)
          @owner = owner
          @sid = sid
          @transaction = transaction
          @session = session
          @package = session[owner.package]
          @is_new = is_new
          @replaces = replaces
          @error = error
        end

        # @return [Boolean] whether it is what a request with this id holds
        def is?(sid)
          public_id = sid&.public_id
          public_id == @sid.public_id || public_id == @replaces&.public_id
        end

        # @return [Boolean] whether nothing was stored when it was opened
        def new?
          @is_new
        end

        # @return [Boolean] whether it was not written yet
        def open?
          !@transaction.closed?
        end

        # @return [Boolean] whether a request with this id may still write it
        def open_for?(sid)
          open? && is?(sid)
        end

        # @return [Data] the keys, read when they are asked for
        def data
          @data ||= Data.new(self)
        end

        # @return [Hash] all keys; yours
        def content
          package.to_h
        end

        # The package that holds the keys. After the response, whoever still reads is shown what is stored.
        # @return [::Lovely::Package]
        def package
          return @package unless @transaction.closed?

          transaction = ::Lovely::Transaction.new
          session = transaction.session(@owner.container, @owner.keys(@sid).first)
          @package = session[@owner.package]
          @transaction = transaction
          @is_late = true
          @package
        end

        # @return [::Lovely::Package] another package of the session
        def other(name)
          writable
          other = @session[name]
          (@others ||= []) << other
          other
        end

        # @return [::Lovely::Package] the same, to be written to
        def writable
          if @is_late || @transaction.closed?
            raise ::Lovely::Misuse, "the session was written already: the response is on its way"
          end

          @package
        end

        # Adds to an integer. A Hash that is taken later and still has this sum leaves the counter alone.
        def increment(key, delta)
          (@counted ||= {})[key] = @data ? @data.increment(key, delta) : writable.increment(key, delta)
        end

        # Takes what a Hash, which is taken later, has under a key by now; nil is absent. What it has as it was leaves the
        # key alone, so that the increments of others are kept.
        def catch_up(key, value)
          package = writable
          return package.delete(key) if value.nil?

          package[key] = value unless package[key].eql?(value)
        end

        # Makes a Hash the content.
        def take(hash)
          # Rails keeps Symbols as they are in some of its methods.
          hash = hash.transform_keys(&:to_s)
          package = writable
          counted = @counted || {}
          package.update(hash.reject { |key, value| counted.key?(key) && counted[key].eql?(value) })
          (package.keys - hash.keys).each { |key| package.delete(key) }
        end

        # @param seconds [Numeric] the session's own idle timeout
        def timeout=(seconds)
          @session.timeout = seconds
        end

        # Stores what was changed, under another id if it is another one. A new session that is empty is not stored.
        # @param sid [SessionId]
        def commit(sid)
          @data&.flush
          unless is?(sid)
            @session.regenerate_id(@owner.keys(sid).first)
            @sid = sid
          end
          @transaction.commit unless @is_new && [@package, *@others].all?(&:empty?)
        ensure
          close
        end

        # @return [void]
        def close
          @transaction.close
        end
      end
    end
  end
end
