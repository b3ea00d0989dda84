using System.Text;
using CsCheck;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

public sealed class WireTests
{
    [Theory]
    [InlineData("123456789", 0xE3069283)]
    [InlineData("", 0)]
    public void The_digest_is_the_CRC32C_of_RFC_3720(string text, uint digest) => Crc32C.Of(Encoding.ASCII.GetBytes(text)).ShouldBe(digest);

    [Fact]
    public void The_digest_of_32_zeros_is_that_of_RFC_3720_appendix_B4() => Crc32C.Of(new byte[32]).ShouldBe(0x8A9136AAu);

    [Fact]
    public void A_common_header_lies_as_the_specification_draws_it()
    {
        byte[] bytes = new byte[8];

        new PduHeader(PduType.ControllerData, PduBits.Last | PduBits.Success, 24, 24, 0x01020304).Write(bytes);

        bytes.ShouldBe([7, 12, 24, 24, 4, 3, 2, 1]);
    }

    [Fact]
    public void Headers_are_read_as_they_were_written()
    {
        byte[] bytes = new byte[PduHeader.InitializeSize];
        Gen.Select(Gen.Byte, Gen.Byte, Gen.Byte, Gen.Byte, Gen.UInt).Sample(g =>
        {
            PduHeader header = new((PduType)g.Item1, (PduBits)g.Item2, g.Item3, g.Item4, g.Item5);
            header.Write(bytes);
            return PduHeader.Read(bytes) == header;
        }, threads: 1);
        Gen.Select(Gen.UShort, Gen.UShort, Gen.UInt, Gen.UInt).Sample(g =>
        {
            TransferHeader header = new(g.Item1, g.Item2, g.Item3, g.Item4);
            header.Write(bytes);
            return TransferHeader.Read(bytes) == header;
        }, threads: 1);
        Gen.Select(Gen.UShort, Gen.Byte, Gen.Byte, Gen.UInt).Sample(g =>
        {
            InitializeConnection header = new(g.Item1, g.Item2, (PduDigests)g.Item3, g.Item4);
            header.Write(bytes, PduType.InitializeRequest);
            return InitializeConnection.Read(bytes) == header;
        }, threads: 1);
    }

    [Fact]
    public void Entries_are_read_as_they_were_written()
    {
        byte[] bytes = new byte[SubmissionEntry.Size];
        Gen.Select(Gen.ULong, Gen.UShort, Gen.UShort, Gen.UShort[0, 0x7FFF]).Sample(g =>
        {
            CompletionEntry entry = new(g.Item1, g.Item2, g.Item3, new(g.Item4));
            entry.Write(bytes);
            return CompletionEntry.Read(bytes) == entry;
        }, threads: 1);
        Gen.Select(Gen.ULong, Gen.UInt, Gen.Int[1, 65536], Gen.Bool, Gen.UShort).Sample(g =>
        {
            NvmeCommand.Blocks(IoOpcode.Write, g.Item2, g.Item1, g.Item3, g.Item4).Write(bytes, g.Item5, new(0, 512, Sgl.InCapsule));
            SubmissionEntry entry = new(bytes);
            return entry.FirstBlock == g.Item1 && entry.NamespaceId == g.Item2 && entry.BlockCount == g.Item3
                && entry.ForceUnitAccess == g.Item4 && entry.CommandId == g.Item5 && entry.DataPointer == 1
                && entry.Sgl == new Sgl(0, 512, Sgl.InCapsule);
        }, threads: 1);
    }

    [Fact]
    public void Names_of_a_connect_are_read_as_they_were_written_and_one_without_an_end_is_no_name()
    {
        byte[] bytes = new byte[ConnectData.Size];
        ConnectData data = new(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), 0x1234, "nqn.subsystem", new string('h', 223));

        data.Write(bytes);
        ConnectData.Read(bytes).ShouldBe(data);
        bytes[..4].ShouldBe([0x00, 0x11, 0x22, 0x33]);

        bytes.AsSpan(ConnectData.HostAt, 256).Fill((byte)'x');
        ConnectData.Read(bytes).Host.ShouldBe("");
    }

    [Fact]
    public void Identities_are_read_as_they_were_written()
    {
        byte[] bytes = new byte[ControllerIdentity.Size];
        ControllerIdentity controller = new()
        {
            Serial = "12345678123412341234",
            Model = "EveStorage",
            Firmware = "0.1",
            Subsystem = "nqn.2026-01.org.evestorage:x",
            ControllerId = 7,
            MaxTransfer = 128 << 10,
            Version = 0x10400,
            Events = 0x100,
            Type = 1,
            MaxNamespaces = 1024,
            OptionalCommands = 12,
            WriteCache = 5,
            InCapsuleData = 8192,
            MaxCommands = 128,
        };
        NamespaceIdentity ns = new() { Blocks = 12345, Id = Guid.Parse("12345678-1234-1234-1234-123456789abc"), ReadOnly = true };

        controller.Write(bytes);
        ControllerIdentity.Read(bytes).ShouldBe(controller);
        bytes[77].ShouldBe((byte)5);
        ns.Write(bytes);
        NamespaceIdentity.Read(bytes).ShouldBe(ns);
        NamespaceIdentity.WriteIdentification(bytes, ns.Id);
        NamespaceIdentity.ReadUuid(bytes).ShouldBe(ns.Id);
    }

    [Theory]
    [InlineData("127.0.0.1", 1)]
    [InlineData("::1", 2)]
    public void A_discovery_entry_is_read_as_it_was_written(string address, byte family)
    {
        byte[] bytes = new byte[DiscoveryEntry.Size];
        DiscoveryEntry entry = new("nqn.2026-01.org.evestorage:x", address, 4420);

        entry.Write(bytes);

        DiscoveryEntry.Read(bytes).ShouldBe(entry);
        bytes[..3].ShouldBe([3, family, 2]);
    }

    [Fact]
    public void A_termination_repeats_no_more_of_the_header_than_it_may()
    {
        byte[] bytes = new byte[Termination.MaxSize];
        Termination termination = new(TerminationReason.HeaderDigestError, 0xAABBCCDD);

        termination.Write(bytes, PduType.ControllerTermination, new byte[500]).ShouldBe(152);

        Termination.Read(bytes).ShouldBe(termination);
    }

    [Fact]
    public void An_event_is_read_from_the_result_it_was_written_to()
    {
        AsyncEvent.NamespacesChanged.Result.ShouldBe(0x040002u);
        AsyncEvent.Of(AsyncEvent.DiscoveryChanged.Result).ShouldBe(AsyncEvent.DiscoveryChanged);
    }

    [Fact]
    public void A_status_is_the_same_whether_or_not_it_may_be_retried()
    {
        NvmeStatus.ConnectInvalidHost.Final.ShouldNotBe(NvmeStatus.ConnectInvalidHost);
        NvmeStatus.ConnectInvalidHost.Final.Is(NvmeStatus.ConnectInvalidHost).ShouldBeTrue();
        $"{NvmeStatus.ConnectInvalidHost}".ShouldBe("status 1/84");
    }
}
