using System.Text;
using CsCheck;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

/// <summary>Secrets, against what nvme gen-dhchap-key of nvme-cli 2.3 prints for the key 00 01 02 … 1f.</summary>
public sealed class DhChapSecretTests
{
    private const string Text = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";
    private const string Bound = "DHHC-1:01:Usy7JsEGPX0Fh3kAfcVyUZFwfalMECUOk0UL0LQ390ToMhK0:";
    private const string Host = "nqn.2014-08.org.nvmexpress:uuid:11111111-1111-1111-1111-111111111111";

    private static readonly byte[] s_key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    [Fact]
    public void A_key_is_written_as_nvme_cli_writes_it()
    {
        using DhChapSecret secret = DhChapSecret.OfKey(s_key, "key host1");
        using KeyMaterial text = secret.ToText();

        Encoding.ASCII.GetString(text.Bytes).ShouldBe(Text);
        secret.KeyFor(Host).Bytes.ToArray().ShouldBe(s_key);
    }

    [Fact]
    public void A_secret_is_bound_to_a_name_as_nvme_cli_binds_it()
    {
        using DhChapSecret secret = DhChapSecret.Parse(Encoding.ASCII.GetBytes(Text.Replace(":00:", ":01:", StringComparison.Ordinal)), "host1");

        using KeyMaterial bound = secret.KeyFor(Host);

        bound.Bytes.ToArray().ShouldBe(Convert.FromBase64String(Bound[10..^1])[..32]);
    }

    [Fact]
    public void A_secret_is_read_as_it_was_written()
        => Gen.Select(Gen.Int[2, 4].Select(n => n == 2 ? 32 : n == 3 ? 48 : 64), Gen.Int[0, 3].Select(n => $"0{n}")).SelectMany((length, transform) => Gen.Byte.Array[length].Select(k => (k, transform)))
            .Sample(g =>
            {
                using KeyMaterial text = DhChapSecret.OfKey(g.k, "key").ToText();
                byte[] changed = text.Bytes.ToArray();
                Encoding.ASCII.GetBytes(g.transform, changed.AsSpan(7));
                using DhChapSecret secret = DhChapSecret.Parse(changed, "key");
                return secret.ToText().Bytes.SequenceEqual(changed) && (int)secret.Transform == int.Parse(g.transform, System.Globalization.CultureInfo.InvariantCulture);
            }, threads: 1);

    [Fact]
    public void Every_truncation_and_every_changed_character_is_refused_and_told_without_the_secret()
    {
        byte[] good = Encoding.ASCII.GetBytes(Text);
        for (int length = 0; length < good.Length; length++)
        {
            ShouldRefuse(good[..length]);
        }

        for (int at = 0; at < good.Length; at++)
        {
            byte[] changed = [.. good];
            changed[at] ^= at == 9 ? (byte)0x40 : (byte)0x04;   // '0' to '4': there are transforms up to 3
            ShouldRefuse(changed);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(33)]
    [InlineData(128)]
    public void A_key_of_another_length_is_refused_with_what_to_do(int length)
    {
        StorageException e = Should.Throw<StorageException>(() => DhChapSecret.OfKey(new byte[length], "key host1"));

        e.Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        e.Message.ShouldContain("32, 48 or 64");
    }

    [Fact]
    public void A_key_may_be_held_as_its_bytes_or_as_nvme_cli_writes_it()
    {
        using DhChapSecret bytes = DhChapSecret.Of(s_key, "key host1");
        using DhChapSecret text = DhChapSecret.Of(Encoding.ASCII.GetBytes(Text + "\n"), "key host1");

        text.KeyFor("host").Bytes.SequenceEqual(bytes.KeyFor("host").Bytes).ShouldBeTrue();
        text.ToText().Bytes.SequenceEqual(bytes.ToText().Bytes).ShouldBeTrue();
    }

    [Fact]
    public void Nothing_of_a_secret_prints()
        => $"{DhChapSecret.OfKey(s_key, "key")}".ShouldBe("a secret of DH-HMAC-CHAP (None)");

    private static void ShouldRefuse(byte[] text)
    {
        StorageException e = Should.Throw<StorageException>(() => DhChapSecret.Parse(text, "host1"), Encoding.Latin1.GetString(text));
        e.Kind.ShouldBe(StorageErrorKind.InvalidConfiguration);
        e.Message.ShouldNotContain("AAEC");
    }
}
