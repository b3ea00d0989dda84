using System.Text;
using CsCheck;

namespace EveStorage.Tests;

public class VolumeDocumentTests
{
    private static readonly Gen<VolumeRecord> s_records =
        from id in Gen.Guid
        from operation in Gen.Guid
        from created in Gen.DateTimeOffset
        from layers in Gen.String[Gen.Char.AlphaNumeric, 1, 8].List[0, 4]
        from exports in Exports.List[0, 3]
        from inFlight in Gen.OneOf(Gen.Const((Guid?)null), Gen.Guid.Select(g => (Guid?)g))
        select new VolumeRecord { Id = id, Mark = OwnerMark.Of(operation), Created = created, Layers = [.. layers.Select(kind => new LayerRecord { Kind = kind, Key = inFlight is null ? null : "key" })], Exports = exports, InFlight = inFlight };

    private static Gen<ExportRecord> Exports =>
        from transport in Gen.String[Gen.Char.AlphaNumeric, 1, 8]
        from number in Gen.Int[1, 1024]
        from hosts in Gen.String[Gen.Char.AlphaNumeric, 1, 12].List[0, 4]
        from key in Gen.OneOf(Gen.Const((string?)null), Gen.Const((string?)"guest-key"))
        from readOnly in Gen.Bool
        select new ExportRecord
        {
            Transport = transport,
            Subsystem = "nqn.2014-08.org.nvmexpress:uuid:1",
            NamespaceId = number,
            AllowedHosts = hosts.Distinct().ToDictionary(h => $"nqn.{h}", string? (_) => key),
            ReadOnly = readOnly,
        };

    private static readonly VolumeRecord s_record = new()
    {
        Id = new("6f2ad2bc-9d10-4a8a-8f4e-2f1f0a6a2b11"),
        Mark = OwnerMark.Of(new("0d3e7a55-6b7f-4f8e-9a53-1c2d3e4f5a6b")),
        Created = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero),
        Layers = [new() { Kind = "luks2", Key = "volume-key" }],
        Exports = [new() { Transport = "tcp", Subsystem = "nqn.x", NamespaceId = 1, AllowedHosts = new Dictionary<string, string?> { ["nqn.h"] = "guest-key" } }],
    };

    [Fact]
    public void What_was_written_is_read()
        => s_records.Sample(record =>
        {
            byte[] document = VolumeDocument.Write(record, "test");
            VolumeRecord read = VolumeDocument.Read(document, "test");
            return read.Id == record.Id && read.Mark == record.Mark && read.Created == record.Created && read.InFlight == record.InFlight
                && VolumeDocument.Write(read, "test").AsSpan().SequenceEqual(document);
        }, iter: 500);

    [Fact]
    public void It_says_its_format() => Encoding.UTF8.GetString(VolumeDocument.Write(s_record, "test")).ShouldContain("\"format\": 1");

    [Fact]
    public void A_newer_format_is_refused_with_both_numbers_whatever_else_is_in_it()
    {
        StorageException e = Should.Throw<StorageException>(() => VolumeDocument.Read("""{ "format": 2, "later": [] }"""u8, "vm42"));

        e.Kind.ShouldBe(StorageErrorKind.NotSupported);
        e.Message.ShouldBe("vm42: has format 2; this program reads up to 1");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{ "format": 0 }""")]
    [InlineData("""{ "format": 1 }""")]
    [InlineData("""{ "format": 1, "volume": null }""")]
    [InlineData("""{ "format": 1, "volume": { "id": "x" } }""")]
    public void What_is_no_record_is_corrupt(string document)
        => Should.Throw<StorageException>(() => VolumeDocument.Read(Encoding.UTF8.GetBytes(document), "vm42")).Kind.ShouldBe(StorageErrorKind.Corrupt);

    [Fact]
    public void Every_truncation_and_every_single_byte_change_is_read_or_refused_and_never_anything_else()
    {
        byte[] document = VolumeDocument.Write(s_record, "test");
        for (int at = 0; at < document.Length; at++)
        {
            ReadOrRefuse(document.AsSpan(0, at));
            byte original = document[at];
            for (int value = 0; value <= byte.MaxValue; value++)
            {
                document[at] = (byte)value;
                ReadOrRefuse(document);
            }

            document[at] = original;
        }
    }

    [Fact]
    public void A_record_that_not_every_backend_could_hold_is_refused_before_it_is_written()
        => Should.Throw<StorageException>(() => VolumeDocument.Write(s_record with { Layers = [new() { Kind = new('x', VolumeDocument.MaxLength) }] }, "test"))
            .Kind.ShouldBe(StorageErrorKind.NotSupported);

    [Fact]
    public void A_document_longer_than_that_is_corrupt()
        => Should.Throw<StorageException>(() => VolumeDocument.Read(new byte[VolumeDocument.MaxLength + 1], "test")).Kind.ShouldBe(StorageErrorKind.Corrupt);

    private static void ReadOrRefuse(ReadOnlySpan<byte> document)
    {
        try
        {
            VolumeDocument.Read(document, "test");
        }
        catch (StorageException)
        {
            // A refusal. Anything else escapes and fails the test.
        }
    }
}
