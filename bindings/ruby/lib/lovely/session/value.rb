# frozen_string_literal: true

require "msgpack"

module Lovely
  # How Ruby's objects and the library's values correspond:
  #
  # | Ruby | stored as |
  # |---|---|
  # | nil, true, false, Float | null, boolean, 64-bit float |
  # | Integer of 64 bits | 64-bit integer; others are refused |
  # | String in UTF-8 or US-ASCII | text, and comes back in UTF-8; invalid UTF-8 is refused |
  # | String in ASCII-8BIT (binary) | bytes, and comes back so |
  # | Symbol | text, and comes back as a String |
  # | Array | list |
  # | Hash with String or Symbol keys | map; comes back sorted by the bytes of its keys, which are Strings |
  #
  # Anything else is refused, with an error that names where it stands and its class, but no value.
  #
  # Lists and maps cross the border as MessagePack, in one piece; everything else directly.
  #
  # @api private
  module Value
    # What an Integer may be.
    INTEGERS = (-(2**63)..((2**63) - 1))
    # The library's numbers of types.
    NULL = 0
    BOOL = 1
    I64 = 2
    F64 = 3
    TEXT = 4
    BYTES = 5
    private_constant :NULL, :BOOL, :I64, :F64, :TEXT, :BYTES
    # And of its answer that there is nothing.
    NOT_FOUND = 1
    private_constant :NOT_FOUND
    # How deep lists and maps may nest.
    DEPTH = 64
    CLASS = Kernel.instance_method(:class)
    private_constant :CLASS
    # A factory of our own: extension types that the application registered are not ours.
    MSGPACK = MessagePack::Factory.new.freeze

    class << self
      # Reads a key of a package: what most of a request is. A call costs more than being wrong about the type, so text is
      # tried first.
      #
      # @param pkg [FFI::Pointer]
      # @param key [String]
      # @param freeze [Boolean] whether lists, maps and what they hold are frozen
      # @yield if the key is absent
      # @return [Object] the value
      def get(pkg, key, freeze)
        scratch = Native::POOL.pop || Native::Scratch.new
        out = scratch.out
        len = scratch.len
        value =
          case Native.ls_pkg_get_text(pkg, key, key.bytesize, out, len, nil)
          when 0 then out.get_pointer(0).get_bytes(0, len.get_uint64(0)).force_encoding(Encoding::UTF_8)
          when NOT_FOUND then yield if block_given?
          else get_other(pkg, key, freeze, scratch)
          end
        Native::POOL.push(scratch)
        value
      end

      # Sets a key of a package.
      # @param pkg [FFI::Pointer]
      # @param key [String]
      def set(pkg, key, value)
        size = key.bytesize
        case value
        when String
          if string_kind(value, key) == :text
            Native.done { |err| Native.ls_pkg_set_text(pkg, key, size, value, value.bytesize, err) }
          else
            Native.run(:ls_pkg_set_bytes, pkg, key, size, value, value.bytesize)
          end
        when Integer
          integer(value, key)
          Native.done { |err| Native.ls_pkg_set_i64(pkg, key, size, value, err) }
        when Symbol then set(pkg, key, symbol(value, key))
        when nil then Native.run(:ls_pkg_set_null, pkg, key, size)
        when true, false then Native.run(:ls_pkg_set_bool, pkg, key, size, value)
        when Float then Native.run(:ls_pkg_set_f64, pkg, key, size, value)
        else lend(value, key) { |native| Native.run(:ls_pkg_set, pkg, key, size, native) }
        end
      end

      # Makes a native value of a list or a map for the time of a block.
      # @yieldparam native [FFI::Pointer]
      def lend(value, path = nil)
        check(value, path, 0)
        packed = MSGPACK.dump(value)
        native = Native.get(:ls_value_from_msgpack, packed, packed.bytesize, &:pointer)
        begin
          yield native
        ensure
          Native.ls_value_free(native)
        end
      end

      # @param native [FFI::Pointer] a value that is lent
      # @param freeze [Boolean] whether lists, maps and what they hold are frozen
      # @return [Object] it in Ruby
      def read(native, freeze: true)
        case Native.ls_value_type(native)
        when TEXT then Native.get_text(:ls_value_as_text, native, &:text)
        when I64 then Native.integer(:ls_value_as_i64, native)
        when NULL then nil
        when BOOL then Native.get(:ls_value_as_bool, native) { |scratch| scratch.out.get_uint8(0) == 1 }
        when F64 then Native.get(:ls_value_as_f64, native) { |scratch| scratch.out.get_double(0) }
        when BYTES then Native.get_text(:ls_value_as_bytes, native, &:bytes)
        else read_tree(native, freeze)
        end
      end

      private

      # What is there and is no text, or why it cannot be read.
      def get_other(pkg, key, freeze, scratch)
        out = scratch.out
        return out.get_int64(0) if Native.ls_pkg_get_i64(pkg, key, key.bytesize, out, nil).zero?

        status = Native.ls_pkg_get(pkg, key, key.bytesize, out, scratch.err)
        raise scratch.error if status.negative?

        read(scratch.pointer, freeze: freeze) if status.zero?
      end

      def read_tree(native, freeze)
        packed = Native.get_text(:ls_value_to_msgpack, native) do |scratch|
          scratch.bytes
        ensure
          Native.ls_bytes_free(scratch.pointer)
        end
        freeze ? MSGPACK.load(packed, freeze: true) : MSGPACK.load(packed)
      end

      # Refuses what cannot be stored, before the packer meets it: that one would call methods of foreign objects, and
      # follow a list that contains itself until the stack ends.
      def check(value, path, depth)
        case value
        when String then string_kind(value, path)
        when Integer then integer(value, path)
        when nil, true, false, Float then nil
        when Symbol then symbol(value, path)
        when Array
          nested(path, depth)
          value.each_with_index { |item, index| check(item, [path, index], depth + 1) }
        when Hash
          nested(path, depth)
          value.each { |key, item| check(item, [path, map_key(key, path)], depth + 1) }
        # A BasicObject has no method of its own to tell its class.
        else raise TypeMismatch, "#{at(path)}: #{CLASS.bind_call(value)} cannot be stored"
        end
      end

      def nested(path, depth)
        raise TooLarge, "#{at(path)}: lists and maps nest at most #{DEPTH} deep" if depth >= DEPTH
      end

      def map_key(key, path)
        case key
        when Symbol then symbol(key, path)
        when String
          return key if string_kind(key, path) == :text

          raise TypeMismatch, "#{at(path)}: the keys of a map are text, not binary"
        else raise TypeMismatch, "#{at(path)}: the keys of a map are Strings or Symbols, not #{key.class}"
        end
      end

      def symbol(value, path)
        name = value.name
        return name if string_kind(name, path) == :text

        raise InvalidArgument, "#{at(path)}: a Symbol that is not text"
      end

      def integer(value, path)
        return value if INTEGERS.cover?(value)

        raise OutOfRange, "#{at(path)}: an Integer outside 64 bits cannot be stored"
      end

      def string_kind(string, path)
        case string.encoding
        when Encoding::BINARY then :bytes
        when Encoding::UTF_8, Encoding::US_ASCII
          return :text if string.valid_encoding?

          raise InvalidArgument, "#{at(path)}: a String in #{string.encoding} that is not valid; bytes are in BINARY"
        else
          raise InvalidArgument, "#{at(path)}: a String in #{string.encoding} is neither text in UTF-8 nor BINARY"
        end
      end

      # Where a value stands, such as `cart.items[3]`. It is put together only for an error.
      def at(path)
        return "value" unless path
        return path.to_s unless path.is_a?(Array)

        outer, step = path
        inner = step.is_a?(Integer) ? "[#{step}]" : step.to_s
        return inner unless outer

        step.is_a?(Integer) ? "#{at(outer)}#{inner}" : "#{at(outer)}.#{inner}"
      end
    end
  end
end
