# frozen_string_literal: true

require "ffi"

module Lovely
  # The C functions, and how they are called. `test/native_test.rb` compares the table with the header of the library.
  #
  # What a function hands out is put into a buffer of {Scratch}, which is one call's own: the pool holds those that
  # nobody is using. Neither another thread, nor a fiber, nor a signal handler that runs between a call and the look at
  # its answer ever shares one; and an exception that flies past loses nothing but a buffer.
  #
  # @api private
  module Native
    extend FFI::Library

    # In the tree, `make lib` puts the library there.
    IN_TREE = File.expand_path("../../../../../build/lib/liblovely_session.so.0", __dir__)
    # Elsewhere, the system knows where.
    SONAME = "liblovely_session.so.0"

    ffi_lib(ENV.fetch("LOVELY_SESSION_LIB") { File.exist?(IN_TREE) ? IN_TREE : SONAME })

    callback :log_callback, %i[pointer int32 pointer size_t], :void

    # Those that wait for a store: other threads of Ruby run meanwhile.
    BLOCKING = { blocking: true }.freeze
    private_constant :BLOCKING

    attach_function :ls_status_name,            %i[int32],                                        :string
    attach_function :ls_version,                %i[],                                             :string
    attach_function :ls_log_set,                %i[log_callback pointer int32 pointer],           :int32

    attach_function :ls_options_new,            %i[pointer pointer],                              :int32
    attach_function :ls_options_set,            %i[pointer int32 int64 pointer],                  :int32
    attach_function :ls_options_free,           %i[pointer],                                      :void

    attach_function :ls_store_open,             %i[pointer size_t pointer pointer pointer],       :int32, BLOCKING
    attach_function :ls_store_resolve,          %i[pointer pointer],                              :int32, BLOCKING
    attach_function :ls_store_ping,             %i[pointer pointer],                              :int32, BLOCKING
    attach_function :ls_store_flush,            %i[pointer pointer],                              :int32, BLOCKING
    attach_function :ls_store_name,             %i[pointer pointer pointer pointer],              :int32
    attach_function :ls_store_stat,             %i[pointer int32 pointer pointer],                :int32
    attach_function :ls_store_stats_text,       %i[pointer pointer pointer pointer],              :int32
    attach_function :ls_store_server_count,     %i[pointer],                                      :size_t
    attach_function :ls_store_server_name,      %i[pointer size_t pointer pointer pointer],       :int32
    attach_function :ls_store_server_stat,      %i[pointer size_t int32 pointer pointer],         :int32
    attach_function :ls_store_register,         %i[pointer pointer size_t pointer],               :int32
    attach_function :ls_store_find,             %i[pointer size_t pointer pointer],               :int32
    attach_function :ls_store_unregister,       %i[pointer size_t pointer],                       :int32
    attach_function :ls_store_free,             %i[pointer],                                      :void

    attach_function :ls_container_open,         %i[pointer pointer size_t pointer pointer],       :int32
    attach_function :ls_container_name,         %i[pointer pointer pointer pointer],              :int32
    attach_function :ls_container_set,          %i[pointer int32 int64 pointer],                  :int32
    attach_function :ls_container_get,          %i[pointer int32 pointer pointer],                :int32
    attach_function :ls_container_last_access,  %i[pointer pointer pointer],                      :int32
    attach_function :ls_container_free,         %i[pointer],                                      :void

    attach_function :ls_txn_begin,              %i[pointer pointer],                              :int32
    attach_function :ls_txn_savepoint,          %i[pointer pointer pointer],                      :int32
    attach_function :ls_txn_rollback,           %i[pointer uint64 pointer],                       :int32
    attach_function :ls_txn_savepoint_valid,    %i[pointer uint64],                               :bool
    attach_function :ls_txn_prepare,            %i[pointer pointer],                              :int32, BLOCKING
    attach_function :ls_txn_commit,             %i[pointer pointer],                              :int32, BLOCKING
    attach_function :ls_txn_abort,              %i[pointer pointer],                              :int32
    attach_function :ls_txn_state,              %i[pointer],                                      :int32
    attach_function :ls_txn_set,                %i[pointer int32 int64 pointer],                  :int32
    attach_function :ls_txn_get,                %i[pointer int32 pointer pointer],                :int32
    attach_function :ls_txn_session_count,      %i[pointer],                                      :size_t
    attach_function :ls_txn_session_at,         %i[pointer size_t pointer pointer],               :int32
    attach_function :ls_txn_free,               %i[pointer],                                      :void
    attach_function :ls_txn_report_count,       %i[pointer],                                      :size_t
    attach_function :ls_txn_report_container,   %i[pointer size_t pointer pointer pointer],       :int32
    attach_function :ls_txn_report_id,          %i[pointer size_t pointer pointer pointer],       :int32
    attach_function :ls_txn_report_kind,        %i[pointer size_t pointer pointer],               :int32
    attach_function :ls_txn_report_outcome,     %i[pointer size_t pointer pointer],               :int32
    attach_function :ls_txn_report_status,      %i[pointer size_t pointer pointer],               :int32
    attach_function :ls_txn_report_timeout,     %i[pointer size_t pointer pointer],               :int32

    attach_function :ls_session_get,            %i[pointer pointer pointer size_t pointer pointer], :int32, BLOCKING
    attach_function :ls_session_create,         %i[pointer pointer pointer pointer],              :int32
    attach_function :ls_session_exists,         %i[pointer pointer pointer size_t pointer],       :int32, BLOCKING
    attach_function :ls_session_destroy,        %i[pointer pointer pointer size_t pointer],       :int32
    attach_function :ls_session_id,             %i[pointer pointer pointer pointer],              :int32
    attach_function :ls_session_is_new,         %i[pointer],                                      :bool
    attach_function :ls_session_regenerate,     %i[pointer pointer size_t pointer],               :int32
    attach_function :ls_session_clear,          %i[pointer pointer],                              :int32
    attach_function :ls_session_pkg_names,      %i[pointer pointer pointer],                      :int32
    attach_function :ls_session_content,        %i[pointer pointer pointer],                      :int32
    attach_function :ls_session_pkg,            %i[pointer pointer size_t pointer pointer],       :int32
    attach_function :ls_session_peek_pkg,       %i[pointer pointer size_t pointer pointer],       :int32
    attach_function :ls_session_delete_pkg,     %i[pointer pointer size_t pointer],               :int32
    attach_function :ls_session_created,        %i[pointer pointer pointer],                      :int32
    attach_function :ls_session_accessed,       %i[pointer pointer pointer],                      :int32
    attach_function :ls_session_timeout,        %i[pointer pointer pointer],                      :int32
    attach_function :ls_session_set_timeout,    %i[pointer int64 pointer],                        :int32
    attach_function :ls_session_clear_timeout,  %i[pointer pointer],                              :int32
    attach_function :ls_session_deadline,       %i[pointer pointer pointer],                      :int32
    attach_function :ls_session_set_deadline,   %i[pointer int64 pointer],                        :int32
    attach_function :ls_session_clear_deadline, %i[pointer pointer],                              :int32

    attach_function :ls_pkg_get,                %i[pointer pointer size_t pointer pointer],       :int32
    attach_function :ls_pkg_get_i64,            %i[pointer pointer size_t pointer pointer],       :int32
    attach_function :ls_pkg_get_text,           %i[pointer pointer size_t pointer pointer pointer], :int32
    attach_function :ls_pkg_set,                %i[pointer pointer size_t pointer pointer],       :int32
    attach_function :ls_pkg_add,                %i[pointer pointer size_t int64 pointer pointer], :int32
    attach_function :ls_pkg_delete,             %i[pointer pointer size_t pointer],               :int32
    attach_function :ls_pkg_clear,              %i[pointer pointer],                              :int32
    attach_function :ls_pkg_contains,           %i[pointer pointer size_t pointer],               :int32
    attach_function :ls_pkg_len,                %i[pointer pointer pointer],                      :int32
    attach_function :ls_pkg_keys,               %i[pointer pointer pointer],                      :int32
    attach_function :ls_pkg_content,            %i[pointer pointer pointer],                      :int32
    attach_function :ls_pkg_replace,            %i[pointer pointer pointer],                      :int32
    attach_function :ls_pkg_update,             %i[pointer pointer pointer],                      :int32
    attach_function :ls_pkg_set_null,           %i[pointer pointer size_t pointer],               :int32
    attach_function :ls_pkg_set_bool,           %i[pointer pointer size_t bool pointer],          :int32
    attach_function :ls_pkg_set_i64,            %i[pointer pointer size_t int64 pointer],         :int32
    attach_function :ls_pkg_set_f64,            %i[pointer pointer size_t double pointer],        :int32
    attach_function :ls_pkg_set_text,           %i[pointer pointer size_t pointer size_t pointer], :int32
    attach_function :ls_pkg_set_bytes,          %i[pointer pointer size_t pointer size_t pointer], :int32

    attach_function :ls_value_type,             %i[pointer],                                      :int32
    attach_function :ls_value_as_bool,          %i[pointer pointer pointer],                      :int32
    attach_function :ls_value_as_i64,           %i[pointer pointer pointer],                      :int32
    attach_function :ls_value_as_f64,           %i[pointer pointer pointer],                      :int32
    attach_function :ls_value_as_text,          %i[pointer pointer pointer pointer],              :int32
    attach_function :ls_value_as_bytes,         %i[pointer pointer pointer pointer],              :int32
    attach_function :ls_value_to_msgpack,       %i[pointer pointer pointer pointer],              :int32
    attach_function :ls_value_from_msgpack,     %i[pointer size_t pointer pointer],               :int32
    attach_function :ls_value_free,             %i[pointer],                                      :void
    attach_function :ls_bytes_free,             %i[pointer],                                      :void
    attach_function :ls_text_free,              %i[pointer],                                      :void

    # Those that start something do not wait, nor does the one that hands out what has finished, as it is called here.
    attach_function :ls_queue_new,              %i[pointer pointer],                              :int32
    attach_function :ls_queue_fd,               %i[pointer],                                      :int32
    attach_function :ls_queue_wait,             %i[pointer pointer size_t pointer int64 pointer], :int32
    attach_function :ls_queue_cancel,           %i[pointer uint64 pointer],                       :int32
    attach_function :ls_queue_free,             %i[pointer],                                      :void
    attach_function :ls_store_ping_start,       %i[pointer pointer uint64 pointer pointer],       :int32
    attach_function :ls_store_flush_start,      %i[pointer pointer uint64 pointer pointer],       :int32
    attach_function :ls_txn_prepare_start,      %i[pointer pointer uint64 pointer pointer],       :int32
    attach_function :ls_txn_commit_start,       %i[pointer pointer uint64 pointer pointer],       :int32
    attach_function :ls_session_get_start,      %i[pointer pointer pointer size_t pointer uint64 pointer pointer], :int32
    attach_function :ls_session_exists_start,   %i[pointer pointer pointer size_t pointer uint64 pointer pointer], :int32

    attach_function :ls_test_clock_advance,     %i[pointer int64 pointer],                        :int32
    attach_function :ls_test_clock_now,         %i[pointer pointer pointer],                      :int32
    attach_function :ls_test_session_idle,      %i[pointer pointer size_t int64 pointer],         :int32, BLOCKING
    attach_function :ls_test_session_drop,      %i[pointer pointer size_t pointer],               :int32, BLOCKING
    attach_function :ls_test_fault,             %i[pointer int32 uint32 uint64 uint64 pointer],   :int32
    attach_function :ls_test_fault_clear,       %i[pointer pointer],                              :int32

    # Versions of one major number, and while that is 0 of one minor number, have the same ABI.
    loaded = ls_version
    unless loaded.split(".").first(2) == VERSION.split(".").first(2)
      raise LoadError, "lovely-session #{VERSION} cannot use version #{loaded} of #{SONAME}"
    end

    # Buffers for what one call hands out: a pointer or number, a length, and an `ls_error`.
    class Scratch
      # @return [FFI::MemoryPointer]
      attr_reader :out, :len, :err

      def initialize
        memory = FFI::MemoryPointer.new(272)
        @out = memory.slice(0, 8)
        @len = memory.slice(8, 8)
        @err = memory.slice(16, 256)
      end

      # @return [FFI::Pointer] what a call handed out
      def pointer
        @out.get_pointer(0)
      end

      # @return [Integer] the same
      def integer
        @out.get_int64(0)
      end

      # @return [String] a copy of the bytes that a call handed out
      def bytes
        @out.get_pointer(0).get_bytes(0, @len.get_uint64(0))
      end

      # @return [String] the same, as text
      def text
        bytes.force_encoding(Encoding::UTF_8)
      end

      # @return [Error] the error that a call left
      def error
        Native.error_at(@err, 0)
      end
    end

    # The buffers that nobody is using. Array#pop and #push are one step each under the lock of the interpreter.
    POOL = [] # rubocop:disable Style/MutableConstant

    # What names and keys may be encoded in: the bytes of what else there is would be another name.
    NAMES = [Encoding::UTF_8, Encoding::US_ASCII, Encoding::BINARY].freeze
    private_constant :NAMES

    class << self
      # @return [Scratch] that nobody else has, until it is given back
      def take
        POOL.pop || Scratch.new
      end

      # @param scratch [Scratch] whose content is of no more use
      def give(scratch)
        POOL.push(scratch)
      end

      # @param memory [FFI::Pointer]
      # @return [Error] the error that an `ls_error` holds
      def error_at(memory, offset)
        Error.from(memory.get_int32(offset), memory.get_string(offset + 12).force_encoding(Encoding::UTF_8),
                   memory.get_int32(offset + 4), memory.get_uint32(offset + 8))
      end

      # Takes the answer of a function that hands nothing out, which the block calls.
      # @yieldparam err [FFI::Pointer]
      # @return [Boolean] whether it was done; false is "not found"
      def done
        scratch = POOL.pop || Scratch.new
        status = yield scratch.err
        raise scratch.error if status.negative?

        POOL.push(scratch)
        status.zero?
      end

      # The same for a function that hands out a pointer.
      # @yieldparam out [FFI::Pointer]
      # @yieldparam err [FFI::Pointer]
      # @return [FFI::Pointer, nil] nil for "not found"
      def pointer
        scratch = POOL.pop || Scratch.new
        status = yield scratch.out, scratch.err
        raise scratch.error if status.negative?

        pointer = scratch.out.get_pointer(0) if status.zero?
        POOL.push(scratch)
        pointer
      end

      # Calls a function that hands nothing out. This and the next ones save the block, at the price of an Array and of a
      # call by name: they are for what not every request goes through.
      # @return [Boolean] see {done}
      def run(function, *args)
        done { |err| __send__(function, *args, err) }
      end

      # Calls a function that hands out a pointer or a number, by the parameter before the last, and yields the buffers.
      # @return what the block returns; nil for "not found"
      def get(function, *args)
        scratch = take
        status = __send__(function, *args, scratch.out, scratch.err)
        raise scratch.error if status.negative?

        result = yield scratch if status.zero?
        give(scratch)
        result
      end

      # The same for a function that hands out text or bytes and their length.
      def get_text(function, *args)
        scratch = take
        status = __send__(function, *args, scratch.out, scratch.len, scratch.err)
        raise scratch.error if status.negative?

        result = yield scratch if status.zero?
        give(scratch)
        result
      end

      # @return [Integer] an integer that a function hands out; nil for "not found"
      def integer(function, *args)
        get(function, *args, &:integer)
      end

      # Calls a function that waits for a store and hands nothing out; see {run}. Where a fiber scheduler is active, other
      # fibers run meanwhile.
      def io(function, *args)
        queue = IOQueue.current
        queue ? queue.run(function, args).zero? : run(function, *args)
      end

      # The same for one that hands out a session; see {get}.
      def io_get(function, *args, &block)
        queue = IOQueue.current
        return get(function, *args, &block) unless queue

        handed_out = nil
        block.call(handed_out) if queue.run(function, args) { |completion| handed_out = completion }.zero?
      end

      # Text as C takes it: names, keys and ids.
      # @param what [String] what the error calls it
      def name(name, what = "key")
        name = name.name if name.is_a?(Symbol)
        raise TypeMismatch, "a #{what} is a String or a Symbol, not #{name.class}" unless name.is_a?(String)
        return name if NAMES.include?(name.encoding)

        raise InvalidArgument, "a #{what} is in UTF-8, not in #{name.encoding}"
      end
    end

    # A handle that frees itself when nothing refers to it any more, and at once if it is told to. Freeing does no I/O.
    class Handle < FFI::AutoPointer
      # @param function [Symbol] the function that frees it
      def self.freed_by(function)
        Class.new(self) { define_singleton_method(:release) { |pointer| Native.__send__(function, pointer) } }
      end

      # There is one of it. A Ractor copies what it is given, and Ruby gives the copy the finalizer too, which would free
      # what the first one still uses.
      # @raise [Misuse]
      def initialize_copy(_other)
        ObjectSpace.undefine_finalizer(self)
        raise Misuse, "a handle cannot be copied"
      end
    end

    # One for each type of the library.
    OptionsHandle   = Handle.freed_by(:ls_options_free)
    QueueHandle     = Handle.freed_by(:ls_queue_free)
    StoreHandle     = Handle.freed_by(:ls_store_free)
    ContainerHandle = Handle.freed_by(:ls_container_free)

    # Whose the transactions are: one each. A request makes one and gives it back, and a finalizer costs as much as all
    # the rest of that; so owners, which have one, are used again.
    class Owner
      POOL = [] # rubocop:disable Style/MutableConstant
      private_constant :POOL

      # @return [Owner] that nobody else has, until it frees what it began
      def self.take
        POOL.pop || new
      end

      def initialize
        # The finalizer must not know the owner, which would live for ever: they share a cell.
        @cell = cell = [nil]
        ObjectSpace.define_finalizer(self, Owner.freeing(cell))
      end

      # @api private
      def self.freeing(cell)
        proc { Native.ls_txn_free(cell[0]) if cell[0] }
      end

      # @return [FFI::Pointer] a new transaction
      def begin
        @cell[0] = Native.pointer { |out, err| Native.ls_txn_begin(out, err) }
      end

      # Frees the transaction; somebody else may have the owner now.
      def free
        pointer = @cell[0]
        @cell[0] = nil
        Native.ls_txn_free(pointer)
        POOL.push(self)
      end
    end
  end
end
