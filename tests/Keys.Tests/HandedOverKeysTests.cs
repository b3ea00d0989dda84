using System.Globalization;
using System.IO.Pipes;
using EveStorage.Keys;
using EveStorage.Linux;
using EveStorage.Testing;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>Keys that whoever starts us hands over: by descriptor, and as systemd's credentials.</summary>
public sealed class HandedOverKeysTests : IDisposable
{
    private static readonly KeyName s_name = new("data");
    private static readonly byte[] s_bytes = [.. Enumerable.Range(0, 32).Select(n => (byte)n)];

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task A_pipe_gives_its_key_once_and_all_that_ask_get_it()
    {
        using AnonymousPipeServerStream writer = new(PipeDirection.Out);
        DescriptorKeysOptions options = Options(writer.GetClientHandleAsString());
        InheritedKeys inherited = new();
        writer.Write(s_bytes);
        Task<byte[]> first = BytesAsync(new DescriptorKeys(options, inherited, TimeProvider.System));
        Task<byte[]> second = BytesAsync(new DescriptorKeys(options, inherited, TimeProvider.System));
        CloseWriter(writer);

        (await first).ShouldBe(s_bytes);
        (await second).ShouldBe(s_bytes);
        (await BytesAsync(new DescriptorKeys(options, inherited, TimeProvider.System))).ShouldBe(s_bytes);
    }

    [Fact]
    public async Task A_pipe_that_its_writer_keeps_open_is_not_waited_for_for_ever()
    {
        using AnonymousPipeServerStream writer = new(PipeDirection.Out);
        DescriptorKeysOptions options = Options(writer.GetClientHandleAsString());
        options.Timeout = TimeSpan.FromMilliseconds(50);

        (await Should.ThrowAsync<StorageException>(() => BytesAsync(new DescriptorKeys(options, new(), TimeProvider.System))))
            .Kind.ShouldBe(StorageErrorKind.Unavailable);
    }

    [Fact]
    public async Task A_key_that_comes_after_someone_gave_up_is_given_to_the_next_one()
    {
        using AnonymousPipeServerStream writer = new(PipeDirection.Out);
        DescriptorKeysOptions options = Options(writer.GetClientHandleAsString());
        InheritedKeys inherited = new();
        options.Timeout = TimeSpan.FromMilliseconds(50);
        await Should.ThrowAsync<StorageException>(() => BytesAsync(new DescriptorKeys(options, inherited, TimeProvider.System)));

        options.Timeout = TimeSpan.FromMinutes(1);
        Task<byte[]> next = BytesAsync(new DescriptorKeys(options, inherited, TimeProvider.System));
        writer.Write(s_bytes);
        CloseWriter(writer);

        (await next).ShouldBe(s_bytes);
    }

    [Fact]
    public async Task A_program_that_is_started_has_no_descriptor_of_a_key()
    {
        using AnonymousPipeServerStream writer = new(PipeDirection.Out, HandleInheritability.Inheritable);
        string descriptor = writer.GetClientHandleAsString();
        string[] before = await DescriptorsOfProgramAsync();

        DescriptorKeys keys = new(Options(descriptor), new(), TimeProvider.System);

        before.ShouldContain(descriptor);
        (await DescriptorsOfProgramAsync()).ShouldNotContain(descriptor);
        (await keys.ProbeAsync(default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_file_gives_its_key_from_its_beginning()
    {
        await File.WriteAllBytesAsync(_directory["key"], s_bytes);
        using SafeFileHandle file = File.OpenHandle(_directory["key"]);

        (await BytesAsync(new DescriptorKeys(Options($"{file.DangerousGetHandle()}"), new(), TimeProvider.System))).ShouldBe(s_bytes);
    }

    [Fact]
    public async Task A_descriptor_that_was_not_inherited_is_told_by_the_probe_and_unavailable()
    {
        DescriptorKeys keys = new(Options("999"), new(), TimeProvider.System);

        (await keys.ProbeAsync(default)).ShouldBe(["descriptor 999 for the key data: it was not inherited"]);
        (await Should.ThrowAsync<StorageException>(() => BytesAsync(keys))).Kind.ShouldBe(StorageErrorKind.Unavailable);
    }

    [Fact]
    public async Task A_key_without_a_descriptor_is_not_found()
        => (await Should.ThrowAsync<StorageException>(async () => await new DescriptorKeys(Options("3"), new(), TimeProvider.System).GetAsync(new("other"), default)))
            .Kind.ShouldBe(StorageErrorKind.NotFound);

    [Fact]
    public void Descriptors_that_can_be_none_are_said_at_once()
    {
        DescriptorKeysOptions options = new() { Descriptors = { ["data"] = 0, ["No name"] = 3 }, Timeout = TimeSpan.Zero };

        new DescriptorKeysOptionsValidator().Validate(null, options).Failures!.Count().ShouldBe(3);
    }

    [Fact]
    public async Task A_credential_is_a_key_and_others_are_not_found()
    {
        Put(s_bytes, UnixFileMode.UserRead);
        CredentialKeys keys = new(new() { Directory = _directory.Path });

        (await BytesAsync(keys)).ShouldBe(s_bytes);
        (await keys.ListAsync(default).ToListAsync()).ShouldBe([s_name]);
        (await Should.ThrowAsync<StorageException>(async () => await keys.GetAsync(new("other"), default))).Kind.ShouldBe(StorageErrorKind.NotFound);
    }

    [Fact]
    public async Task Without_systemd_the_probe_says_what_to_set()
        => (await new CredentialKeys(new() { Directory = _directory["absent"] }).ProbeAsync(default)).Single().ShouldContain("LoadCredential=");

    [Fact]
    public async Task Neither_makes_or_removes_keys()
    {
        IKeyProvider[] all = [new CredentialKeys(new()), new DescriptorKeys(Options("3"), new(), TimeProvider.System)];
        foreach (IKeyProvider keys in all)
        {
            (await Should.ThrowAsync<StorageException>(async () => await keys.PlanCreateAsync(s_name, 32, default))).Kind.ShouldBe(StorageErrorKind.NotSupported);
            (await Should.ThrowAsync<StorageException>(async () => await keys.PlanDeleteAsync(s_name, default))).Kind.ShouldBe(StorageErrorKind.NotSupported);
        }
    }

    public void Dispose() => _directory.Dispose();

    private static DescriptorKeysOptions Options(string descriptor)
        => new() { Descriptors = { ["data"] = int.Parse(descriptor, CultureInfo.InvariantCulture) } };

    // The client's end stays open, as an inherited one does.
    private static void CloseWriter(AnonymousPipeServerStream writer) => writer.SafePipeHandle.Dispose();

    private static async Task<string[]> DescriptorsOfProgramAsync()
        => (await Command.Find("ls")!.RunAsync(["/proc/self/fd"], default)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static async Task<byte[]> BytesAsync(IKeyProvider keys)
    {
        using KeyMaterial key = await keys.GetAsync(s_name, default);
        return key.Bytes.ToArray();
    }

    private void Put(byte[] bytes, UnixFileMode mode)
    {
        File.WriteAllBytes(_directory["data"], bytes);
        File.SetUnixFileMode(_directory["data"], mode);
    }
}
