-- What wrk sends: tokens in rotation from TOKEN_FILE (one a line), the body in BODY_FILE, a pause of up to 2 × PAUSE ms.
-- The requests are written here: wrk's own have their headers in another order in each process, which no program does.
local tokens, requests, next_request = {}, {}, 0
for line in io.lines(os.getenv("TOKEN_FILE")) do tokens[#tokens + 1] = line end
local body = io.open(os.getenv("BODY_FILE")):read("*a")
local purpose, prefer = os.getenv("PURPOSE"), os.getenv("PREFER")
function init()
  for number, token in ipairs(tokens) do
    local lines = {
      "POST " .. wrk.path .. " HTTP/1.1", "Host: " .. wrk.headers["Host"], "Authorization: Bearer " .. token,
      "Content-Type: application/json", "Content-Length: " .. #body,
    }
    if purpose then lines[#lines + 1] = "Lgsp-Purpose: " .. purpose end
    if prefer then lines[#lines + 1] = "Prefer: " .. prefer end
    requests[number] = table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
  end
end
function request()
  next_request = next_request % #requests + 1
  return requests[next_request]
end
local pause = tonumber(os.getenv("PAUSE") or "0")
if pause > 0 then function delay() return math.random(0, 2 * pause) end end
