# frozen_string_literal: true

require "socket"
require "tempfile"

# A memcached of our own on a free port, which is stopped when the process ends.
class Memcached
  attr_reader :port, :pid

  # Somebody else may have one; but no outgoing connection does: Linux gives these ports from 32,768 on.
  PORTS = 20_000...32_000
  # How many seconds it may take until it answers: the machine may be busy.
  PATIENCE = 10
  LOCK = Thread::Mutex.new
  private_constant :PORTS, :PATIENCE, :LOCK

  def self.shared
    LOCK.synchronize { @shared ||= new }
  end

  def initialize(*options)
    @owner = Process.pid
    refused = nil
    20.times do
      refused = start(options)
      break unless refused
    end
    raise "no memcached could be started: #{refused}" if refused

    at_exit { stop }
  end

  def url
    "memcached://127.0.0.1:#{port}"
  end

  def stop
    return unless @pid && @owner == Process.pid

    Process.kill(:TERM, @pid)
    Process.wait(@pid)
    @pid = nil
  end

  private

  # Returns nil when it answers, or says why it does not.
  def start(options)
    @port = Random.rand(PORTS)
    # Root is refused without a user.
    user = Process.uid.zero? ? %w[-u nobody] : []
    Tempfile.create("memcached") do |log|
      @pid = Process.spawn("memcached", "-l", "127.0.0.1", "-p", port.to_s, "-U", "0", *user, *options,
                           out: File::NULL, err: log)
      how = wait_until_it_answers
      how && "it #{how} on port #{port}, and said #{File.read(log.path).strip.inspect}"
    end
  end

  def wait_until_it_answers
    deadline = now + PATIENCE
    until ours?
      return "ended" if Process.wait(@pid, Process::WNOHANG)

      if now > deadline
        Process.kill(:KILL, @pid)
        Process.wait(@pid)
        return "has not answered for #{PATIENCE} s"
      end
      sleep 0.01
    end
  end

  # Whether it answers, and not somebody else in its place, who may never answer.
  def ours?
    Socket.tcp("127.0.0.1", port, connect_timeout: PATIENCE) do |socket|
      socket.write("stats\r\n")
      socket.wait_readable(1) && socket.gets == "STAT pid #{@pid}\r\n"
    end
  rescue SystemCallError
    false
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
