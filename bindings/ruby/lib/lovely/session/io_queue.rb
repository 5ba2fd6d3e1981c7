# frozen_string_literal: true

require "io/wait"

module Lovely
  # I/O that does not block the thread: what a fiber starts goes on while its scheduler runs other fibers.
  #
  # There is one for each scheduler. What fibers start meanwhile shares its connections and goes out together. While
  # something is under way, one fiber of its own waits for the queue's descriptor and wakes the others.
  #
  # @api private
  class IOQueue
    # What starts what a function does.
    STARTS = %i[ls_store_ping ls_store_flush ls_txn_prepare ls_txn_commit ls_session_get ls_session_exists]
             .to_h { |function| [function, :"#{function}_start"] }.freeze
    # Bytes of an `ls_completion`, where its parts are, and for how many there is room.
    SIZE = 320
    SESSION = 16
    STATUS = 24
    ERROR = 64
    ROOM = 32
    private_constant :STARTS, :SIZE, :SESSION, :STATUS, :ERROR, :ROOM

    # What came of an operation.
    Completion = Struct.new(:status, :pointer, :error)

    # @return [IOQueue, nil] that of the scheduler which runs this fiber; nil if there is none, or the fiber may block
    def self.current
      return unless (scheduler = Fiber.current_scheduler)

      queue = Thread.current.thread_variable_get(:lovely_session_io_queue)
      return queue if queue&.for?(scheduler)

      new(scheduler).tap { |made| Thread.current.thread_variable_set(:lovely_session_io_queue, made) }
    end

    # @param scheduler [Object] a Fiber::Scheduler
    def initialize(scheduler)
      @scheduler = scheduler
      @process = Process.pid
      @handle = Native.get(:ls_queue_new) { |scratch| Native::QueueHandle.new(scratch.pointer) }
      # The scheduler may close what it watched, or go on watching it: not the queue's own descriptor.
      @io = IO.for_fd(Native.ls_queue_fd(@handle), autoclose: false).dup
      @room = FFI::MemoryPointer.new(SIZE * ROOM)
      # By the number of the operation: whom its completion is for, and what must live until then.
      @waiting = {}
      @is_dispatching = false
    end

    # @return [Boolean] whether it is this scheduler's, in this process
    def for?(scheduler)
      @scheduler.equal?(scheduler) && @process == Process.pid
    end

    # Does what a function does, and lets other fibers run until it is done.
    #
    # @param function [Symbol]
    # @param args [Array] all but what it hands out
    # @yieldparam completion [Completion] if it was done
    # @return [Integer] the status
    def run(function, args)
      slot = Thread::Queue.new
      operation = start(STARTS.fetch(function), args, slot)
      dispatch
      completion = slot.pop
      raise completion.error if completion.status.negative?

      yield completion if block_given? && completion.status.zero?
      completion.status
    ensure
      # The fiber was told to stop.
      cancel(operation) if operation && completion.nil?
    end

    private

    def start(function, args, slot)
      scratch = Native.take
      status = Native.__send__(function, *args, @handle, 0, scratch.out, scratch.err)
      raise scratch.error if status.negative?

      operation = scratch.out.get_uint64(0)
      Native.give(scratch)
      # Not every scheduler holds the fibers that it has blocked, and nobody else does.
      @waiting[operation] = [slot, args, Fiber.current]
      operation
    end

    def cancel(operation)
      waiting = @waiting[operation] or return
      waiting[0] = nil
      Native.run(:ls_queue_cancel, @handle, operation)
      # Until it is handed out, its transaction is in use.
      hand_out
    end

    # For as long as something is under way: a fiber that never ended would keep its scheduler from ending.
    def dispatch
      return if @is_dispatching

      @is_dispatching = true
      Fiber.schedule do
        hand_out
        until @waiting.empty?
          @io.wait_readable
          hand_out
        end
      ensure
        @is_dispatching = false
        stop_waiting
      end
    end

    # The scheduler stops all fibers, this one before those that it would wake.
    def stop_waiting
      stopped = Completion.new(Cancelled.new.status, nil, Cancelled.new("the fiber scheduler was stopped"))
      @waiting.each_value { |waiting| waiting[0]&.push(stopped) }
    end

    # Wakes all whose operations have finished.
    def hand_out
      loop do
        scratch = Native.take
        status = Native.ls_queue_wait(@handle, @room, ROOM, scratch.len, 0, scratch.err)
        raise scratch.error if status.negative?

        count = scratch.len.get_uint64(0)
        Native.give(scratch)
        count.times { |index| wake(index * SIZE) }
        break if count < ROOM
      end
    end

    def wake(offset)
      slot, = @waiting.delete(@room.get_uint64(offset))
      return unless slot

      status = @room.get_int32(offset + STATUS)
      error = Native.error_at(@room, offset + ERROR) if status.negative?
      slot.push(Completion.new(status, @room.get_pointer(offset + SESSION), error))
    end
  end
end
