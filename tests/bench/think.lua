-- wrk -s think.lua … -- MILLISECONDS: each connection waits for about so long, by chance, before each request. The wait is no
-- part of a request's time.
local longest

function init(arguments)
  math.randomseed(os.time())
  longest = 2 * tonumber(arguments[1]) - 1
end

function delay()
  return math.random(1, longest)
end
