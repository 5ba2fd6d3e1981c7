# frozen_string_literal: true

module Lovely
  # A named map in a session: a Hash with String keys. Its values are copies: what is read is frozen if it is a list or a
  # map, so that a change of it does not go astray; set the changed copy, or use {#change}. See {Value} for how objects
  # are stored.
  class Package
    include Enumerable

    class << self
      private :new
    end

    # @api private
    def initialize(session, pointer)
      @session = session
      @transaction = session.transaction
      @pointer = pointer
    end

    # @return [Session] what it belongs to
    attr_reader :session

    # @param key [String, Symbol]
    # @return [Object, nil] the value; nil also if the key is absent, which {#fetch} and {#key?} tell apart
    def [](key)
      Value.get(handle, Native.name(key), true)
    end

    # Setting an equal value is no change.
    #
    # @param key [String, Symbol]
    # @param value [Object] see {Value}
    # @raise [TypeMismatch, OutOfRange, InvalidArgument, TooLarge] the key has what it had
    def []=(key, value)
      Value.set(handle, Native.name(key), value)
    end
    alias store []=

    # As Hash#fetch.
    #
    # @raise [KeyError] if the key is absent and there is neither a default nor a block
    def fetch(key, *default)
      found = true
      value = Value.get(handle, Native.name(key), true) { found = false }
      return value if found
      return yield key if block_given?
      return default.first unless default.empty?

      raise KeyError.new("key not found: #{key.inspect}", receiver: self, key: key)
    end

    # As Hash#dig.
    def dig(key, *keys)
      value = self[key]
      keys.empty? || value.nil? ? value : value.dig(*keys)
    end

    # @param key [String, Symbol]
    # @return [Boolean] whether the key is there; nil counts: it is a value
    def key?(key)
      key = Native.name(key)
      Native.run(:ls_pkg_contains, handle, key, key.bytesize)
    end
    alias has_key? key?
    alias include? key?
    alias member? key?

    # Adds to an integer. Increments by concurrent transactions are all kept; an absent key counts as 0.
    #
    # @param key [String, Symbol]
    # @param delta [Integer] may be negative
    # @return [Integer] the sum as this transaction sees it
    # @raise [TypeMismatch] if the key holds anything but an integer
    # @raise [OutOfRange] if the sum does not fit in 64 bits
    def increment(key, delta = 1)
      key = Native.name(key)
      raise TypeMismatch, "#{key}: an increment is an Integer, not #{delta.class}" unless delta.is_a?(Integer)
      raise OutOfRange, "#{key}: an Integer outside 64 bits" unless Value::INTEGERS.cover?(delta)

      Native.integer(:ls_pkg_add, handle, key, key.bytesize, delta)
    end

    # Subtracts from an integer; see {#increment}.
    # @return [Integer]
    def decrement(key, delta = 1)
      increment(key, -delta)
    end

    # Reads a value, gives a copy that can be changed to the block, and sets the key to that copy.
    #
    #   package.change("items") { |items| items << "apple" }
    #
    # @param key [String, Symbol]
    # @param default [Object] what the block gets if the key is absent
    # @return what the block returns
    def change(key, default = nil)
      value = read(Native.name(key)) { default }
      result = yield value
      self[key] = value
      result
    end

    # Deletes a key.
    #
    # @param key [String, Symbol]
    # @return [Object, nil] the value that it had
    def delete(key)
      value = self[key]
      key = Native.name(key)
      Native.run(:ls_pkg_delete, handle, key, key.bytesize)
      value
    end

    # Sets each key of a Hash; other keys stay.
    #
    # @param content [Hash]
    # @return [self]
    def update(content)
      Value.lend(hash_of(content)) { |native| Native.run(:ls_pkg_update, handle, native) }
      self
    end
    alias merge! update

    # Makes a Hash the whole content: other keys are deleted.
    #
    # @param content [Hash]
    # @return [self]
    def replace(content)
      Value.lend(hash_of(content)) { |native| Native.run(:ls_pkg_replace, handle, native) }
      self
    end

    # Deletes all keys.
    # @return [self]
    def clear
      Native.run(:ls_pkg_clear, handle)
      self
    end

    # @return [Array<String>] the keys, sorted by their bytes
    def keys
      Native.get(:ls_pkg_keys, handle) { |scratch| Value.read(scratch.pointer) }
    end

    # @return [Array] the values, in the order of the keys
    def values
      content(freeze: true).values
    end

    # @yieldparam key [String]
    # @yieldparam value [Object]
    def each(&block)
      return to_enum(:each) { size } unless block

      content(freeze: true).each(&block)
      self
    end
    alias each_pair each

    # @return [Integer]
    def size
      Native.get(:ls_pkg_len, handle) { |scratch| scratch.out.get_uint64(0) }
    end
    alias length size

    # @return [Boolean]
    def empty?
      size.zero?
    end

    # @return [Hash{String => Object}] the whole package: a copy, which is yours
    def to_h
      content(freeze: false)
    end
    alias to_hash to_h

    # @return [Boolean] whether both are handles of the same package of the same transaction
    def ==(other)
      other.is_a?(Package) && other.session.transaction.equal?(@transaction) && other.pointer == pointer
    end
    alias eql? ==

    # @return [Integer]
    def hash
      pointer.address.hash
    end

    # Values stay out of logs.
    # @return [String]
    def inspect
      "#<#{self.class} of #{@transaction.inspect}>"
    end

    # Reads a value that can be changed: a copy.
    #
    # @api private
    # @param key [String]
    # @yield if the key is absent
    def read(key, &block)
      Value.get(@transaction.handle && @pointer, key, false, &block)
    end

    protected

    attr_reader :pointer

    private

    def handle
      @transaction.handle && @pointer
    end

    def content(freeze:)
      Native.get(:ls_pkg_content, handle) { |scratch| Value.read(scratch.pointer, freeze: freeze) }
    end

    def hash_of(content)
      return content if content.is_a?(Hash)
      return content.to_hash if content.respond_to?(:to_hash)

      raise TypeMismatch, "the content of a package is a Hash, not #{content.class}"
    end
  end
end
