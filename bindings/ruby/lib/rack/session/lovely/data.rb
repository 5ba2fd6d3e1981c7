# frozen_string_literal: true

module Rack
  module Session
    class Lovely < Abstract::PersistedSecure
      # The keys of a session, as the session object of Rack wants them: a Hash with String keys, of which a value is read
      # from the package when it is asked for.
      #
      # A value that can be changed in place is held, and set again before the commit: if it was changed, that is a change
      # of its key; if not, the library sees that it is none.
      #
      # @api private
      class Data
        def initialize(visit)
          @visit = visit
          @held = {}
          # What the Strings among them were.
          @before = {}
        end

        def [](key)
          @held.fetch(key) { hold(key, @visit.package.read(key)) }
        end

        def fetch(key, *default, &block)
          return @held[key] if @held.key?(key)

          found = true
          value = @visit.package.read(key) { found = false }
          return hold(key, value) if found

          # KeyError, a default or a block: as a Hash does it.
          {}.fetch(key, *default, &block)
        end

        def dig(key, *keys)
          value = self[key]
          keys.empty? || value.nil? ? value : value.dig(*keys)
        end

        def []=(key, value)
          @visit.writable[key] = value
          # A frozen one stays what it is; any other may be changed, and frozen after that.
          value.is_a?(String) && value.frozen? ? @before[key] = value : @before.delete(key)
          @held[key] = value
        end

        # @return [Integer] the sum
        def increment(key, delta)
          # What was changed in place counts: a String, for one, is an error here.
          put(key, @held[key]) if @held.key?(key)
          sum = @visit.writable.increment(key, delta)
          @held.delete(key)
          sum
        end

        def delete(key)
          value = self[key]
          @visit.writable.delete(key)
          @held.delete(key)
          value
        end

        def clear
          @visit.writable.clear
          @held.clear
          self
        end

        def update(hash)
          hash.each { |key, value| self[key] = value }
          self
        end

        def replace(hash)
          clear
          update(hash)
        end

        def key?(key)
          @visit.package.key?(key)
        end
        alias has_key? key?
        alias include? key?

        def keys
          @visit.package.keys.dup
        end

        def values
          to_hash.values
        end

        def each(&block)
          to_hash.each(&block)
        end

        def empty?
          @visit.package.empty?
        end

        # @return [Hash] all of it; yours, but for the values, which are the session's
        def to_hash
          @visit.content.to_h { |key, value| [key, @held.key?(key) ? @held[key] : hold(key, value)] }
        end

        def inspect
          to_hash.inspect
        end

        # Sets what may have been changed in place.
        def flush
          @held.each do |key, value|
            case value
            when String then put(key, value) unless same?(value, @before[key])
            when Array, Hash, nil then put(key, value)
            end
          end
        end

        private

        # To Rack, nil is absent.
        def put(key, value)
          package = @visit.writable
          value.nil? ? package.delete(key) : package[key] = value
        end

        # Text and bytes differ, though their content may not.
        def same?(one, other)
          one == other && one.encoding == other.encoding
        end

        def hold(key, value)
          case value
          when String
            @before[key] = value.dup
            @held[key] = value
          when Array, Hash then @held[key] = value
          else value
          end
        end
      end
    end
  end
end
