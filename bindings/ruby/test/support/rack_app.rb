# frozen_string_literal: true

require "rack/session/lovely"
require "rack/lint"
require "rack/mock"

# Requests to an application behind the middleware.
module RackApp
  # A response, and the cookie that it left with the visitor.
  Answer = Struct.new(:status, :headers, :body, :errors, :cookie) do
    def set_cookie
      value = headers["set-cookie"] || headers["Set-Cookie"]
      value.is_a?(Array) ? value.join("\n") : value
    end

    def id
      cookie&.delete_prefix("rack.session=")
    end
  end

  def middleware(options = {}, &app)
    Rack::Session::Lovely.new(app, { store: store }.merge(options))
  end

  # @yieldparam session
  # @yieldparam env
  def get(app, cookie = nil, path: "/", env: {})
    headers = env.dup
    headers["HTTP_COOKIE"] = cookie if cookie
    response = Rack::MockRequest.new(Rack::Lint.new(app)).get(path, headers)
    set = response.headers["Set-Cookie"] || response.headers["set-cookie"]
    set = set.join("\n") if set.is_a?(Array)
    Answer.new(response.status, response.headers, response.body, response.errors, set ? set[/\A[^;]+/] : cookie)
  end

  # A middleware around what one request does with its session.
  def request(cookie = nil, options = {}, env: {}, **more, &work)
    app = middleware(options.merge(more)) do |rack_env|
      body = work.call(*[rack_env["rack.session"], rack_env].first(work.arity == 2 ? 2 : 1))
      Rack::Response.new([body.inspect], 200, "Content-Type" => "text/plain").finish
    end
    get(app, cookie, env: env)
  end

  # What a new request reads.
  def content(cookie, options = {})
    hash = nil
    request(cookie, options) { |session| hash = session.to_hash }
    hash
  end

  # How many sessions are stored: what the embedded store says.
  def items
    store.stats[:items]
  end

  def counts
    store.stats.slice(:requests, :writes)
  end

  # What happens to the counters meanwhile.
  def cost
    before = counts
    yield
    counts.to_h { |name, count| [name, count - before[name]] }
  end
end
