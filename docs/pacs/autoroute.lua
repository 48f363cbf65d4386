-- Orthanc sends every radiograph that it receives to the service. The results of the service are not sent back to it.

local SERVICE = 'pneumonia'      -- the name of the service in DicomModalities of orthanc.json
local SERVICE_AET = 'PNEUMONIA'  -- its application entity title

local RADIOGRAPHS = {
  ['1.2.840.10008.5.1.4.1.1.1'] = true,      -- Computed Radiography Image Storage
  ['1.2.840.10008.5.1.4.1.1.1.1'] = true,    -- Digital X-Ray Image Storage - For Presentation
  ['1.2.840.10008.5.1.4.1.1.7'] = true,      -- Secondary Capture Image Storage: digitised films
}

-- The results of the service are of other SOP classes, except for the secondary capture. That one is recognised by its
-- sender, and by its image type if it was stored by another system first, for example by an import of an archive.
local function isResult(tags, origin)
  local captured = tags['SOPClassUID'] == '1.2.840.10008.5.1.4.1.1.7'
  local derived = string.find(tags['ImageType'] or '', 'DERIVED', 1, true) ~= nil
  return origin['RemoteAet'] == SERVICE_AET or (captured and derived)
end

function OnStoredInstance(instanceId, tags, metadata, origin)
  if RADIOGRAPHS[tags['SOPClassUID']] and not isResult(tags, origin) then
    -- A job of Orthanc sends the film, so that the sender of the film does not wait for it.
    SendToModality(instanceId, SERVICE)
  end
end
