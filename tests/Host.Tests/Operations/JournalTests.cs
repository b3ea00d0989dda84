using EveStorage.Cli.Api;
using EveStorage.Host.Operations;

namespace EveStorage.Tests;

public sealed class JournalTests : IAsyncLifetime
{
    private readonly TestEngine _host = new();

    public async ValueTask InitializeAsync() => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public void A_document_reads_as_it_was_written()
    {
        byte[] bytes = File.ReadAllBytes(JournalFile);

        OperationDocument.Read(bytes, "it").Write().ShouldBe(bytes);
    }

    [Fact]
    public void One_of_a_newer_program_is_refused_with_both_numbers()
    {
        string newer = File.ReadAllText(JournalFile).Replace("\"format\":3", "\"format\":4,\"later\":true", StringComparison.Ordinal);

        StorageException e = Should.Throw<StorageException>(() => OperationDocument.Read(System.Text.Encoding.UTF8.GetBytes(newer), "it"));

        (e.Kind, e.Message).ShouldBe((StorageErrorKind.NotSupported, "it: has format 4; this program reads up to 3"));
    }

    [Fact]
    public void Every_truncation_is_refused_and_none_crashes()
    {
        byte[] bytes = File.ReadAllBytes(JournalFile);
        for (int length = 0; length < bytes.Length; length++)
        {
            Should.Throw<StorageException>(() => OperationDocument.Read(bytes.AsSpan(0, length), "it")).Kind.ShouldBe(StorageErrorKind.Corrupt);
        }
    }

    [Fact]
    public async Task One_that_can_not_be_read_hides_no_other_and_is_found_by_the_doctor()
    {
        string damaged = Path.Combine(_host.State, "operations", $"{Guid.NewGuid()}.json");
        await File.WriteAllTextAsync(damaged, "garbage");

        (await _host.Api.ListOperationsAsync(default)).ShouldHaveSingleItem();
        (await _host.Api.DiagnoseAsync(default)).ShouldHaveSingleItem().Subject.ShouldBe(damaged);
    }

    [Fact]
    public void One_of_format_1_which_knew_no_targets_is_read()
    {
        string older = File.ReadAllText(JournalFile).Replace("\"format\":2", "\"format\":1", StringComparison.Ordinal).Replace(",\"targets\":{}", "", StringComparison.Ordinal);
        older.ShouldNotContain("targets");

        OperationDocument.Read(System.Text.Encoding.UTF8.GetBytes(older), "it").Targets.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_oldest_of_those_that_ended_are_forgotten_at_a_start_and_when_an_operation_ends(bool start)
    {
        byte[] ended = await File.ReadAllBytesAsync(JournalFile);
        string id = Path.GetFileNameWithoutExtension(JournalFile);
        for (int made = 0; made < 260; made++)
        {
            Guid other = Guid.NewGuid();
            string document = System.Text.Encoding.UTF8.GetString(ended).Replace(id, $"{other}", StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(_host.State, "operations", $"{other}.json"), document);
        }

        if (start)
        {
            await _host.EndAsync();
            await _host.StartAsync();
        }
        else
        {
            await _host.DoAsync(TestEngine.Create("vm1"));
            await _host.EndAsync();
        }

        Directory.EnumerateFiles(Path.Combine(_host.State, "operations"), "*.json").Count().ShouldBe(200);
    }

    private string JournalFile => Directory.EnumerateFiles(Path.Combine(_host.State, "operations"), "*.json").First();
}
