# frozen_string_literal: true

require "socket"

# A way to a server that can be cut and mended.
class Relay
  attr_reader :port

  def initialize(target)
    @target = target
    @server = TCPServer.open("127.0.0.1", 0)
    @port = @server.addr[1]
    @sockets = []
    @is_cut = false
    @thread = Thread.new { loop { accept } }
    @thread.report_on_exception = false
  end

  def cut
    @is_cut = true
    @sockets.each { |socket| socket.close unless socket.closed? }
    @sockets.clear
  end

  # For a store that tries a server again after a pause of 1 ms at most.
  def mend
    @is_cut = false
    sleep 0.01
  end

  def close
    @thread.kill
    cut
    @server.close
  end

  private

  def accept
    here = @server.accept
    return here.close if @is_cut

    there = TCPSocket.open("127.0.0.1", @target)
    @sockets.push(here, there)
    pump(here, there)
    pump(there, here)
  end

  def pump(from, to)
    Thread.new do
      loop { to.write(from.readpartial(65_536)) }
    rescue IOError, SystemCallError
      [from, to].each { |socket| socket.close unless socket.closed? }
    end
  end
end
