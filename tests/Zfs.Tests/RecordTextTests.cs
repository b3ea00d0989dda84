using CsCheck;
using EveStorage.Zfs;

namespace EveStorage.Tests;

public class RecordTextTests
{
    private const int MostBytes = 8191;   // ZAP_MAXVALUELEN, without the final zero

    [Fact]
    public void Any_document_is_read_as_it_was_written_and_no_value_is_longer_than_ZFS_takes()
        => Gen.Byte.Array[0, VolumeDocument.MaxLength].Sample(document =>
        {
            Dictionary<string, string> properties = Read(RecordText.Write(document));

            properties.Values.ShouldAllBe(value => value.Length <= MostBytes);
            RecordText.Read(properties, "data/vm")!.AsSpan().SequenceEqual(document).ShouldBeTrue();
        }, iter: 200);

    [Fact]
    public void A_shorter_document_empties_the_pieces_that_it_does_not_need()
    {
        Dictionary<string, string> properties = Read(RecordText.Write(new byte[VolumeDocument.MaxLength]));

        foreach ((string name, string value) in Read(RecordText.Write(new byte[100], properties.Keys)))
        {
            properties[name] = value;
        }

        properties.Values.Sum(value => value.Length).ShouldBeLessThan(200);
        RecordText.Read(properties, "data/vm")!.Length.ShouldBe(100);
    }

    [Fact]
    public void A_record_that_has_lost_a_piece_is_corrupt_and_one_that_was_never_written_is_none()
    {
        Dictionary<string, string> properties = Read(RecordText.Write(new byte[20_000]));
        properties.Remove("evestorage:record.1").ShouldBeTrue();

        Should.Throw<StorageException>(() => RecordText.Read(properties, "data/vm")).Kind.ShouldBe(StorageErrorKind.Corrupt);
        RecordText.Read(new Dictionary<string, string>(), "data/vm").ShouldBeNull();
    }

    private static Dictionary<string, string> Read(IEnumerable<string> values)
        => values.Select(value => value.Split('=', 2)).ToDictionary(value => value[0], value => value[1]);
}
