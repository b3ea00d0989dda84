using System.Text;

namespace EveStorage.Tests;

/// <summary>The record of a volume as 1.0 of the contract writes it: what lies in pools, and what hosts and plugins of that major version read.</summary>
public class FirstFormatTests
{
    private const string Document = """
        {
          "format": 1,
          "volume": {
            "id": "6f2ad2bc-9d10-4a8a-8f4e-2f1f0a6a2b11",
            "mark": {
              "owner": "evestorage",
              "operation": "0d3e7a55-6b7f-4f8e-9a53-1c2d3e4f5a6b"
            },
            "created": "2026-11-24T12:00:00+00:00",
            "layers": [
              {
                "kind": "luks2",
                "key": "volume-key"
              }
            ],
            "exports": [
              {
                "transport": "tcp",
                "subsystem": "nqn.2014-08.org.nvmexpress:uuid:1",
                "namespaceId": 2,
                "allowedHosts": {
                  "nqn.h": "guest-key",
                  "nqn.i": null
                },
                "controllerKeys": {
                  "nqn.h": "controller-key"
                },
                "readOnly": true,
                "limits": {
                  "iops": 500,
                  "bandwidth": 1048576
                }
              }
            ],
            "inFlight": "5a1c7c1e-2f64-4f55-8f0e-5d2f6a0b9c31",
            "exportsBefore": [
              {
                "transport": "tcp",
                "subsystem": "nqn.2014-08.org.nvmexpress:uuid:1",
                "namespaceId": 2,
                "allowedHosts": {
                  "nqn.h": "guest-key",
                  "nqn.i": null
                },
                "controllerKeys": {
                  "nqn.h": "controller-key"
                },
                "readOnly": false,
                "limits": null
              }
            ],
            "mount": {
              "at": "/srv/log",
              "readOnly": true,
              "wanted": false,
              "changedBy": "5a1c7c1e-2f64-4f55-8f0e-5d2f6a0b9c31",
              "before": {
                "at": "/srv/old",
                "readOnly": false,
                "wanted": true,
                "changedBy": "0d3e7a55-6b7f-4f8e-9a53-1c2d3e4f5a6b",
                "before": null
              }
            }
          }
        }
        """;

    private static readonly VolumeRecord s_whole = new()
    {
        Id = new("6f2ad2bc-9d10-4a8a-8f4e-2f1f0a6a2b11"),
        Mark = OwnerMark.Of(new("0d3e7a55-6b7f-4f8e-9a53-1c2d3e4f5a6b")),
        Created = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero),
        Layers = [new() { Kind = "luks2", Key = "volume-key" }],
        Exports = [Export],
        InFlight = new("5a1c7c1e-2f64-4f55-8f0e-5d2f6a0b9c31"),
        ExportsBefore = [Export with { Limits = null, ReadOnly = false }],
        Mount = new()
        {
            At = "/srv/log",
            ReadOnly = true,
            Wanted = false,
            ChangedBy = new("5a1c7c1e-2f64-4f55-8f0e-5d2f6a0b9c31"),
            Before = new() { At = "/srv/old", ChangedBy = new("0d3e7a55-6b7f-4f8e-9a53-1c2d3e4f5a6b") },
        },
    };

    private static ExportRecord Export => new()
    {
        Transport = "tcp",
        Subsystem = "nqn.2014-08.org.nvmexpress:uuid:1",
        NamespaceId = 2,
        AllowedHosts = new Dictionary<string, string?> { ["nqn.h"] = "guest-key", ["nqn.i"] = null },
        ControllerKeys = new Dictionary<string, string> { ["nqn.h"] = "controller-key" },
        ReadOnly = true,
        Limits = new() { Iops = 500, Bandwidth = ByteSize.MiB(1) },
    };

    [Fact]
    public void A_record_with_every_member_is_written_as_1_0_wrote_it_as_long_as_it_says_format_1()
        => Encoding.UTF8.GetString(VolumeDocument.Write(s_whole, "test")).ShouldBe(Document);

    [Fact]
    public void What_1_0_wrote_is_read_whole()
        => Encoding.UTF8.GetString(VolumeDocument.Write(VolumeDocument.Read(Encoding.UTF8.GetBytes(Document), "test"), "test")).ShouldBe(Document);
}
