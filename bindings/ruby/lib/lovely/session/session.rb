# frozen_string_literal: true

module Lovely
  # One visitor's data in a transaction: a Hash of packages, by their names. Asking for a package by {#[]} makes it, {#peek}
  # does not. After the transaction has ended, every call raises {Misuse}.
  class Session
    include Enumerable

    # The longest id in bytes.
    MAX_ID = 8192

    # Ids are any bytes; what is an id is not a number or nil by mistake.
    # @api private
    def self.id(id)
      raise TypeMismatch, "a session's id is a String, not #{id.class}" unless id.is_a?(String)

      id.frozen? ? id : id.dup.freeze
    end

    class << self
      private :new
    end

    # @api private
    def initialize(transaction, pointer)
      @transaction = transaction
      @pointer = pointer
    end

    # @return [Transaction] what it is open in
    attr_reader :transaction

    # @return [String] the id that it will have after the commit
    def id
      Native.get_text(:ls_session_id, handle, &:bytes)
    end

    # @return [Boolean] whether nothing was stored under its id when it was opened
    def new?
      Native.ls_session_is_new(handle)
    end

    # Gives it a new id at commit; the old one is destroyed. For use at login, against session fixation.
    #
    # @param new_id [String, nil] a random one if nil
    # @return [String] the new id
    def regenerate_id(new_id = nil)
      new_id = Session.id(new_id) if new_id
      raise InvalidArgument, "an empty session id" if new_id && new_id.empty?

      Native.run(:ls_session_regenerate, handle, new_id, new_id ? new_id.bytesize : 0)
      new_id || id
    end

    # @return [Time] when it was created, by the store's clock
    def created_at
      Duration.time(Native.integer(:ls_session_created, handle))
    end

    # @return [Time] when it was last opened, this time included; may lag by the container's resolution
    def accessed_at
      Duration.time(Native.integer(:ls_session_accessed, handle))
    end

    # @return [Numeric, nil] its own idle timeout in seconds; nil if the container's counts
    def timeout
      Duration.seconds(Native.integer(:ls_session_timeout, handle))
    end

    # @param seconds [Numeric, nil] up to the container's longest timeout; 0 is never; nil: the container's counts again
    def timeout=(seconds)
      if seconds
        Native.run(:ls_session_set_timeout, handle, Duration.ms(seconds, :timeout))
      else
        Native.run(:ls_session_clear_timeout, handle)
      end
    end

    # @return [Time, nil] when it ends, however much it is used
    def deadline
      Duration.time(Native.integer(:ls_session_deadline, handle))
    end

    # @param time [Time, Date, Numeric, nil] by the store's clock; a number is Unix seconds
    def deadline=(time)
      if time
        Native.run(:ls_session_set_deadline, handle, Duration.unix_ms(time, :deadline))
      else
        Native.run(:ls_session_clear_deadline, handle)
      end
    end

    # A package; it is made if it is not there, and stored if it gets a key.
    #
    # @param name [String, Symbol]
    # @return [Package]
    def [](name)
      name = package_name(name)
      pointer = Native.pointer { |out, err| Native.ls_session_pkg(handle, name, name.bytesize, out, err) }
      Package.__send__(:new, self, pointer)
    end

    # Makes a Hash the whole content of a package.
    #
    # @param name [String, Symbol]
    # @param content [Hash]
    def []=(name, content)
      self[name].replace(content)
    end

    # @param name [String, Symbol]
    # @return [Package, nil] the package if it is there; nothing is made
    def peek(name)
      name = package_name(name)
      pointer = Native.get(:ls_session_peek_pkg, handle, name, name.bytesize, &:pointer)
      pointer && Package.__send__(:new, self, pointer)
    end

    # As Hash#fetch: the package if it is there, else the block's result or the default, else KeyError.
    #
    # @return [Package]
    def fetch(name, *default)
      package = peek(name)
      return package if package
      return yield name if block_given?
      return default.first unless default.empty?

      raise KeyError.new("there is no package #{name.inspect}", receiver: self, key: name)
    end

    # As Hash#dig: makes nothing.
    def dig(name, *keys)
      package = peek(name)
      keys.empty? || package.nil? ? package : package.dig(*keys)
    end

    # @param name [String, Symbol]
    # @return [Boolean]
    def key?(name)
      !peek(name).nil?
    end
    alias has_key? key?
    alias include? key?
    alias member? key?

    # @return [Array<String>] the names of the packages, sorted by their bytes
    def keys
      Native.get(:ls_session_pkg_names, handle) { |scratch| Value.read(scratch.pointer) }
    end

    # @yieldparam name [String]
    # @yieldparam package [Package]
    def each
      return to_enum(:each) { size } unless block_given?

      keys.each { |name| yield name, self[name] }
      self
    end
    alias each_pair each

    # @return [Integer] the number of packages
    def size
      keys.size
    end
    alias length size

    # @return [Boolean]
    def empty?
      keys.empty?
    end

    # @return [Hash{String => Hash}] the whole session: a copy, which is yours
    def to_h
      Native.get(:ls_session_content, handle) { |scratch| Value.read(scratch.pointer, freeze: false) }
    end

    # Deletes a package.
    #
    # @param name [String, Symbol]
    # @return [Boolean] whether there was one
    def delete(name)
      name = package_name(name)
      Native.run(:ls_session_delete_pkg, handle, name, name.bytesize)
    end

    # Deletes all packages. The session stays.
    # @return [self]
    def clear
      Native.run(:ls_session_clear, handle)
      self
    end

    # @return [Boolean] whether both are handles of the same session of the same transaction
    def ==(other)
      other.is_a?(Session) && other.transaction.equal?(transaction) && other.pointer == pointer
    end
    alias eql? ==

    # @return [Integer]
    def hash
      pointer.address.hash
    end

    # Ids and values stay out of logs.
    # @return [String]
    def inspect
      "#<#{self.class} of #{transaction.inspect}>"
    end

    # What the C functions take.
    # @api private
    def handle
      @transaction.handle
      @pointer
    end

    protected

    attr_reader :pointer

    private

    def package_name(name)
      Native.name(name, "package's name")
    end
  end
end
