# frozen_string_literal: true

# A fiber scheduler as small as it can be: descriptors by IO.select, times in a Hash.
class Scheduler
  # @return [Integer] how often it was asked to wait for a descriptor
  attr_reader :waits

  def self.run(&block)
    scheduler = new
    thread = Thread.new do
      Fiber.set_scheduler(scheduler)
      Fiber.schedule(&block)
    end
    thread.report_on_exception = false
    thread.join
    scheduler
  end

  def initialize
    @readable = {}
    @writable = {}
    @times = {}
    @ready = []
    @blocked = {}.compare_by_identity
    @waits = 0
    @urgent = IO.pipe
    @lock = Thread::Mutex.new
  end

  def fiber(&block)
    Fiber.new(blocking: false, &block).tap(&:resume)
  end

  def close
    run
  end

  def run
    until @readable.empty? && @writable.empty? && @times.empty? && @blocked.empty? && @ready.empty?
      readable, writable, = IO.select(@readable.keys + [@urgent[0]], @writable.keys, [], pause)
      Array(readable).each { |io| io == @urgent[0] ? io.read_nonblock(64, exception: false) : @readable.delete(io).resume }
      Array(writable).each { |io| @writable.delete(io)&.resume }
      now = clock
      @times.select { |_, at| at <= now }.each_key { |fiber| @times.delete(fiber) && fiber.resume }
      ready, @ready = @lock.synchronize { [@ready, []] }
      ready.each { |fiber| fiber.resume if fiber.alive? }
    end
  end

  def io_wait(io, events, _timeout)
    @waits += 1
    @readable[io] = Fiber.current if events.anybits?(IO::READABLE)
    @writable[io] = Fiber.current if events.anybits?(IO::WRITABLE)
    Fiber.yield
    events
  end

  def kernel_sleep(seconds)
    @times[Fiber.current] = clock + seconds
    Fiber.yield
    true
  end

  def block(_blocker, timeout = nil)
    @blocked[Fiber.current] = true
    @times[Fiber.current] = clock + timeout if timeout
    Fiber.yield
  ensure
    @blocked.delete(Fiber.current)
    @times.delete(Fiber.current)
  end

  def unblock(_blocker, fiber)
    @lock.synchronize { @ready << fiber }
    @urgent[1].write_nonblock(".", exception: false)
  end

  private

  def clock
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def pause
    return 0 unless @ready.empty?

    at = @times.values.min
    at && [at - clock, 0].max
  end
end
