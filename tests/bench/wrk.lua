-- What wrk sends: tokens in rotation from TOKEN_FILE (one a line), the body in BODY_FILE, a pause of up to 2 × PAUSE ms.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local tokens, next_token = {}, 0
for line in io.lines(os.getenv("TOKEN_FILE")) do tokens[#tokens + 1] = "Bearer " .. line end
if #tokens == 1 then wrk.headers["Authorization"] = tokens[1] end
if os.getenv("PURPOSE") then wrk.headers["Lgsp-Purpose"] = os.getenv("PURPOSE") end
wrk.body = io.open(os.getenv("BODY_FILE")):read("*a")
if #tokens > 1 then
  function request()
    next_token = next_token % #tokens + 1
    wrk.headers["Authorization"] = tokens[next_token]
    return wrk.format()
  end
end
local pause = tonumber(os.getenv("PAUSE") or "0")
if pause > 0 then function delay() return math.random(0, 2 * pause) end end
