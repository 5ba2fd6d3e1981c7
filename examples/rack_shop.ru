# frozen_string_literal: true

# A shop: sign in, fill a cart, sign out. It serves the same visitors from the same store as the shop in server.cpp:
#
#   cookie "shop"         the session id, 32 characters; HttpOnly, SameSite=Lax, Path=/, and Secure with SHOP_SECURE=1
#   container "visitors"
#   package "shop"        "user": text, who is signed in; absent for a guest
#   package "cart"        each item's name: integer, how many, changed only by adding, so that concurrent requests add up
#
#     LOVELY_SESSION_URL=memcached://localhost puma -p 8080 rack_shop.ru
#
#   GET /        the page                      POST /signin    user=NAME
#   GET /cart    {"cart":{...},"user":...}     POST /cart      item=NAME, count=NUMBER (1 if it is not there)
#                                              POST /signout

require "json"
require "rack"
require "rack/session/lovely"

use Rack::Session::Lovely, container: "visitors", package: "shop", ids: :public, key: "shop", sidbits: 64,
                           same_site: :lax, secure: ENV.key?("SHOP_SECURE")

# One request.
class Shop
  # What the client got wrong.
  BadRequest = Class.new(StandardError)
  HEADERS = { "cache-control" => "no-store", "x-content-type-options" => "nosniff" }.freeze

  def self.call(env)
    new(Rack::Request.new(env)).answer
  rescue BadRequest, Lovely::InvalidArgument, Lovely::OutOfRange => e
    [400, HEADERS.merge("content-type" => "text/plain; charset=utf-8"), ["#{e.message}\n"]]
  end

  def initialize(request)
    @request = request
  end

  def answer
    case [request.request_method, request.path_info]
    in ["GET", "/"] then text(page, "text/html")
    in ["GET", "/cart"] then text("#{JSON.generate({ "cart" => cart, "user" => user })}\n", "application/json")
    in ["POST", "/signin"] then change { sign_in(field("user")) }
    in ["POST", "/cart"] then change { session.package("cart").increment(field("item"), count) }
    in ["POST", "/signout"] then change { sign_out }
    else text("not here\n", "text/plain", 404)
    end
  end

  private

  attr_reader :request

  def session = request.session

  # A visitor without a session gets none by looking.
  def user = session["user"]
  def cart = session.exists? ? session.package("cart").to_h : {}

  # An id that somebody planted is worth nothing once its session has a new one.
  def sign_in(user)
    session["user"] = user
    request.session_options[:renew] = true
  end

  def sign_out
    request.session_options[:drop] = true
    @is_over = true
  end

  def change
    yield
    response = Rack::Response.new([], 303, HEADERS.merge("location" => "/"))
    response.delete_cookie("shop", path: "/") if @is_over
    response.finish
  end

  def field(name)
    value = request.params[name]
    raise BadRequest, "#{name}: 1 to 100 bytes" unless value.is_a?(String) && value.bytesize.between?(1, 100)

    value
  end

  def count
    text = request.params.fetch("count", "1").to_s
    raise BadRequest, "count: 1 to 1000" unless text.match?(/\A\d{1,4}\z/) && text.to_i.between?(1, 1000)

    text.to_i
  end

  def text(body, type, status = 200)
    [status, HEADERS.merge("content-type" => "#{type}; charset=utf-8"), [body]]
  end

  def page
    items = cart.map { |item, count| "<li>#{count} #{Rack::Utils.escape_html(item)}\n" }.join
    form = if user
             "<form method=post action=/signout><button>Sign out</button></form>\n"
           else
             "<form method=post action=/signin><input name=user> <button>Sign in</button></form>\n"
           end
    "<!doctype html>\n<title>Shop</title>\n<h1>Hello, #{Rack::Utils.escape_html(user || "guest")}</h1>\n" \
      "<ul>\n#{items}</ul>\n<form method=post action=/cart><input name=item> <button>Add to cart</button></form>\n#{form}"
  end
end

run Shop
