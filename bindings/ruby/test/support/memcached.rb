# frozen_string_literal: true

require "socket"

# A memcached of our own on a free port, which is stopped when the tests end.
class Memcached
  attr_reader :port, :pid

  LOCK = Thread::Mutex.new
  private_constant :LOCK

  def self.shared
    LOCK.synchronize { @shared ||= new }
  end

  def initialize(*options)
    @owner = Process.pid
    10.times { return if start(options) }
    raise "memcached does not start"
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

  def start(options)
    @port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
    user = Process.uid.zero? ? %w[-u nobody] : []
    @pid = Process.spawn("memcached", "-l", "127.0.0.1", "-p", port.to_s, *user, *options, out: File::NULL,
                                                                                           err: File::NULL)
    return false unless answers?

    Minitest.after_run { stop }
    true
  end

  def answers?
    500.times do
      TCPSocket.open("127.0.0.1", port) do |socket|
        socket.write("version\r\n")
        return socket.gets.start_with?("VERSION")
      end
    rescue SystemCallError
      return false if Process.wait(@pid, Process::WNOHANG)

      sleep 0.01
    end
    false
  end
end
